// What peers sent, on its way to the application: each frame of an own peer once and in order, by its number, whether hotlink or a file brings
// it; upstream's as they come. After a start hotlink's frames wait behind the files that were there before: only these tell how far the
// application had got. Channel worker thread.

import { Inbox } from '../../native-free/ipc/index.js';
import type { Application, Origin } from './application.js';

export interface IncomingEvents {
  /** A frame came a second time. */
  duplicate(): void;
  /** The application has a frame. */
  taken(): void;
  /** Files from before the start are still to be delivered. */
  mustWait(): boolean;
}

export class Incoming {
  readonly #application: Application;
  readonly #events: IncomingEvents;
  /** By who sent it. */
  readonly #inboxes = new Map<string, Inbox>();
  /** What has to wait, in order; bounded by the credit that was given. */
  readonly #late: (() => void)[] = [];

  constructor(application: Application, events: IncomingEvents) {
    this.#application = application;
    this.#events = events;
  }

  inboxOf(sender: string): Inbox {
    let inbox = this.#inboxes.get(sender);
    if (inbox === undefined) {
      inbox = new Inbox();
      this.#inboxes.set(sender, inbox);
    }
    return inbox;
  }

  /** An own peer says where a run begins: everything in front of it was acknowledged, so it is here or in our files. @param taken called when its turn came */
  begin(sender: string, run: string, base: number, taken: () => void): void {
    this.#inTurn(() => {
      this.inboxOf(sender).begin(run, base);
      taken();
    });
  }

  /** A frame that hotlink brought from an own peer. @param taken called when the application has it, or will not get it */
  numbered(bytes: Uint8Array, origin: Origin, taken: () => void): void {
    const { sender, run, number } = origin;
    this.#inTurn(() => {
      const inbox = this.inboxOf(sender);
      if (inbox.look(run, number) === 'duplicate') {
        this.#events.duplicate();
        taken();
        return;
      }
      inbox.delivered(run, number);
      this.deliver(bytes, origin, taken);
    });
  }

  /** A frame whose turn it is. */
  deliver(bytes: Uint8Array, origin: Origin | undefined, taken: () => void): void {
    this.#application.deliver({
      bytes,
      origin,
      taken: () => {
        this.#events.taken();
        taken();
      },
    });
  }

  /** Nothing has to wait any more. */
  release(): void {
    for (const late of this.#late.splice(0)) late();
  }

  #inTurn(work: () => void): void {
    if (this.#events.mustWait() || this.#late.length > 0) this.#late.push(work);
    else work();
  }
}
