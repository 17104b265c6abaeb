// The direct lanes of one channel, by session: starts attempts with what main says, makes a lane of what they join. A new attempt leaves
// the lane of the one before up until it has one of its own. Channel worker.

import { Counter } from '../../native-free/counters.js';
import { DirectAttempt } from '../direct/attempt.js';
import { DirectLane } from '../lanes/direct.js';
import type { DirectIdentity, FromChannel, ToChannel } from '../messages.js';

export interface DirectSessionEvents {
  post(message: FromChannel): void;
  /** @param loopback both ends are on this machine */
  laneUp(lane: DirectLane, loopback: boolean): void;
  laneDown(lane: DirectLane, reason: string): void;
  frame(lane: DirectLane, message: Uint8Array, lasting: boolean): void;
  writable(): void;
  count(counter: number): void;
}

export type DirectStart = Extract<ToChannel, { t: 'direct-start' }>;
export type DirectPeer = Extract<ToChannel, { t: 'direct-peer' }>;

interface DirectSession {
  attempt: DirectAttempt | undefined;
  lane: DirectLane | undefined;
}

export class DirectSessions {
  readonly #identity: DirectIdentity | undefined;
  readonly #highBytes: number;
  readonly #events: DirectSessionEvents;
  readonly #sessions = new Map<string, DirectSession>();

  constructor(identity: DirectIdentity | undefined, highBytes: number, events: DirectSessionEvents) {
    this.#identity = identity;
    this.#highBytes = highBytes;
    this.#events = events;
  }

  start({ sid, token, chooses, loopback }: DirectStart): void {
    const identity = this.#identity;
    if (identity === undefined) return;
    const session = this.#sessions.get(sid) ?? { attempt: undefined, lane: undefined };
    this.#sessions.set(sid, session);
    session.attempt?.close();
    const attempt = new DirectAttempt(
      { token, chooses, loopback, identity },
      {
        listening: (port, problem) => this.#events.post({ t: 'direct-listening', sid, token, port, problem }),
        joined: (socket, dialled) => {
          const before = session.lane;
          const lane = new DirectLane(sid, socket, this.#highBytes, {
            frame: (from, message, lasting) => this.#events.frame(from, message, lasting),
            writable: () => this.#events.writable(),
            closed: (closed, reason) => {
              if (session.lane === closed) session.lane = undefined;
              this.#events.laneDown(closed, reason);
              if (session.lane === undefined) this.#events.post({ t: 'direct-closed', sid, token, reason });
            },
          });
          session.lane = lane;
          const remote = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
          this.#events.post({ t: 'direct-open', sid, token, remote, dialled });
          this.#events.laneUp(lane, loopback);
          if (before !== undefined) this.#end(before, 'a newer connection took over');
          lane.begin();
        },
        exhausted: (reason) => this.#events.post({ t: 'direct-exhausted', sid, token, reason }),
        refused: (reason) => {
          this.#events.count(Counter.directRefused);
          this.#events.post({ t: 'direct-refused', sid, reason });
        },
      },
    );
    session.attempt = attempt;
  }

  meet({ sid, token, peer }: DirectPeer): void {
    const attempt = this.#sessions.get(sid)?.attempt;
    if (attempt?.token === token) attempt.meet(peer);
  }

  /** Ends a session's lane and whatever is tried. */
  stop(sid: string, reason: string): void {
    const session = this.#sessions.get(sid);
    if (session === undefined) return;
    this.#sessions.delete(sid);
    session.attempt?.close();
    if (session.lane !== undefined) this.#end(session.lane, reason);
  }

  /** Ends everything without a report. */
  stopAll(): void {
    for (const { attempt, lane } of this.#sessions.values()) {
      attempt?.close();
      lane?.close();
    }
    this.#sessions.clear();
  }

  #end(lane: DirectLane, reason: string): void {
    lane.close();
    this.#events.laneDown(lane, reason);
  }
}
