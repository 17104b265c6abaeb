// Half of the way between a client at one process and a session at another: the end at the client's process, or the one at the session's.
// Invariant: at most a portion of frames is with the other end undealt with, so that no client, however slow, costs another process more
// than that and its own queue; whoever feeds a leg that is full is stopped, as by any other recipient that does not keep up.
//
//   session's process                                     client's process
//   sender ─▶ flow ─ at most 512 KiB ─▶ [ link ] ─▶ cause of what goes into the client's own queue
//                └◀─────── credit, withheld while that queue is full ───┘
import { FlowEnd, type FlowLimits } from '../flow.js';
import type { Entry } from './directory.js';
import { type CreditRecord, encodeCredit, type FrameRecord, frameHead } from './records.js';

/** Frames with the other end undealt with: what a network of 10 ms takes at 50 MB/s. */
const PORTION_BYTES = 512 * 1024;

/** The link a leg belongs to. */
export interface LegLink {
  send(...parts: readonly Uint8Array[]): void;
}

export interface LegKinds {
  readonly frame: FrameRecord['kind'];
  readonly credit: CreditRecord['kind'];
}

/** Frames to the client's process, credit for those that come from there. */
export const AT_SESSION: LegKinds = { frame: 'frameDown', credit: 'creditUp' };
/** Frames to the session's process, credit for those that come from there. */
export const AT_CLIENT: LegKinds = { frame: 'frameUp', credit: 'creditDown' };

export class Leg {
  readonly flow: FlowEnd;
  /** The client's connection, as its own process counts. */
  readonly connection: number;
  /** Sessions elsewhere that this client accepted. */
  readonly joined = new Set<Entry>();
  private readonly link: LegLink;
  private readonly kinds: LegKinds;
  private readonly dones: (() => void)[] = [];
  private owed = 0;
  private withheld = false;
  private scheduled = false;

  constructor(link: LegLink, connection: number, kinds: LegKinds, limits: FlowLimits, onPause: () => void) {
    this.link = link;
    this.connection = connection;
    this.kinds = kinds;
    this.flow = new FlowEnd(
      {
        send: (frame, done) => {
          const text = typeof frame === 'string';
          this.dones.push(done);
          link.send(frameHead(kinds.frame, connection, text), text ? Buffer.from(frame) : frame);
        },
        pause: () => {
          this.withheld = true;
        },
        resume: () => {
          this.withheld = false;
          this.settle();
        },
      },
      { ...limits, handedBytes: PORTION_BYTES },
      onPause,
    );
  }

  /** A frame of the other end has been dealt with; it is told so, unless what it led to is too much just now. */
  dealtWith(): void {
    this.owed++;
    if (this.scheduled) return;
    this.scheduled = true;
    // One credit for all the frames of one turn.
    queueMicrotask(() => {
      this.scheduled = false;
      this.settle();
    });
  }

  /** The other end has dealt with this many of ours. */
  credited(count: number): void {
    for (let left = count; left > 0; left--) this.dones.shift()?.();
  }

  close(): void {
    this.flow.close();
    this.owed = 0;
    for (const entry of this.joined) entry.joined?.delete(this);
    this.joined.clear();
  }

  private settle(): void {
    if (this.withheld || this.owed === 0) return;
    this.link.send(encodeCredit(this.kinds.credit, this.connection, this.owed));
    this.owed = 0;
  }
}
