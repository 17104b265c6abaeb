// The session that a channel opens, and its successors: carries out what `OutboundSession` decides. One session at a time is up or being
// opened; a Close of ours goes out before its session is retired or dropped here. Wire spec 2; main thread.

import { randomUUID } from 'node:crypto';
import {
  goOutboundPath,
  type Marker,
  MessageType,
  type OutboundOptions,
  OutboundSession,
  outboundPath,
  type SendOutput,
} from '../../native-free/index.js';
import type { ChannelEvents } from './channel-options.js';
import type { ChannelSessions } from './channel-sessions.js';

export interface OutboundControlEvents extends Pick<ChannelEvents, 'send' | 'event' | 'trace'> {
  /** The peer accepted; the session is not among the channel's yet. */
  up(sid: string, nowMs: number): void;
  /** Why there is no session, in a sentence. */
  problem(sentence: string): void;
}

export class OutboundControl {
  /** Takes what happened; {@link drain} it afterwards. */
  readonly session: OutboundSession;
  readonly #options: OutboundOptions;
  readonly #peer: string;
  readonly #sessions: ChannelSessions;
  readonly #events: OutboundControlEvents;

  /** @param ipc frames name the paths: the channel has none of its own */
  constructor(marker: Marker, ipc: boolean, sessions: ChannelSessions, events: OutboundControlEvents) {
    this.#options = {
      path: outboundPath(marker),
      ...(ipc ? {} : { goPath: goOutboundPath(marker) }),
      peer: marker.peer,
      newSid: randomUUID,
      jitter: Math.random,
      // An offline peer is not announced by the relay, so the first tries come quickly: an Open is one small message.
      tunables: { openWaitMs: 500 },
    };
    this.session = new OutboundSession(this.#options);
    this.#peer = marker.peer;
    this.#sessions = sessions;
    this.#events = events;
  }

  /** Sessions to come are opened on this path. */
  name(path: string): void {
    this.#options.path = path;
  }

  #trace(message: SendOutput['message']): void {
    const { sid } = message;
    if (message.typ === MessageType.Open) this.#events.trace('session opening', { peer: this.#peer, sid, path: message.pth });
    else if (message.typ === MessageType.Close) this.#events.trace('session closing', { peer: this.#peer, sid, reason: message.rsn });
  }

  drain(nowMs: number): void {
    for (let output = this.session.poll(); output !== undefined; output = this.session.poll()) {
      switch (output.kind) {
        case 'send':
          this.#trace(output.message);
          this.#events.send(output.message);
          if (output.message.typ === MessageType.Close) this.#sessions.retire(output.message.sid, output.message.rsn ?? 'closed');
          break;
        case 'accepted':
          this.#events.up(output.sid, nowMs);
          break;
        case 'reopened':
          this.#events.event('session re-opened', { peer: this.#peer, oldSid: output.oldSid, sid: output.sid });
          break;
        case 'lost':
          this.#sessions.drop(output.sid, output.reason);
          this.#events.event('session lost', { peer: this.#peer, sid: output.sid, reason: output.reason });
          break;
        case 'rejected':
          this.#events.problem(
            `the relay or the peer refused the session: ${output.reason}; trying again in ${Math.round(output.retryInMs)} ms`,
          );
          this.#events.event(
            'session rejected',
            { peer: this.#peer, sid: output.sid, reason: output.reason, retryInMs: output.retryInMs },
            'warn',
          );
          break;
      }
    }
  }
}
