// The sessions that peers opened, over all channels: carries out what `InboundSessions` decides. A channel's Accept leaves only after
// the session is bound, so that the Data which follows it finds its ring. A session is closed by its opener, by the server, or
// with its channel. Wire spec 2.5; main thread.

import {
  type Fingerprint,
  type HotlinkMessage,
  InboundSessions,
  isTcpPath,
  MessageType,
  type OpenMessage,
} from '../../native-free/index.js';
import type { ChannelControl } from './channel-control.js';
import type { Channels } from './channels.js';
import { isDue } from './deadline.js';

export interface InboundControlEvents {
  /** @param idStem names the channel's epoch; undefined for a session whose channel is gone */
  send(idStem: string | undefined, message: HotlinkMessage): void;
  /** An Open without a receiver, of a peer of our own kind. */
  broadcast(open: OpenMessage): void;
  /** A peer's Open that is not for us to take. */
  refused(sid: string, reason: string): void;
}

export class InboundControl {
  readonly #sessions: InboundSessions;
  readonly #channels: Channels;
  readonly #events: InboundControlEvents;
  #ending = false;

  /** @param self our own e-mail */
  constructor(self: string, channels: Channels, events: InboundControlEvents) {
    this.#sessions = new InboundSessions({ self });
    this.#channels = channels;
    this.#events = events;
  }

  has(sid: string): boolean {
    return this.#sessions.get(sid) !== undefined;
  }

  /** The channel of a session that is up; undefined when there is no such session, or its channel is gone. */
  channelOf(sid: string): ChannelControl | undefined {
    const session = this.#sessions.get(sid);
    return session === undefined ? undefined : this.#channels.ofIndex(session.channelId);
  }

  // --- inputs; drain after each --------------------------------------------------------------------------------------------------

  /** @param opener what the peer runs */
  handleOpen(opener: Fingerprint, open: OpenMessage, nowMs: number): void {
    if (this.#ending) return;
    if (opener.kind === 'hotlink' && (open.to ?? '') === '' && !isTcpPath(open.pth)) this.#events.broadcast(open);
    else this.#sessions.handleOpen(open, opener, (path, from) => this.#channels.forPath(path, from), nowMs);
  }

  /** The server rejected our Accept. */
  handleReject(sid: string, reason: string): void {
    this.#sessions.handleReject(sid, reason);
  }

  /** The opener closed it. */
  handleClose(sid: string, reason: string): void {
    this.#sessions.handleClose(sid, reason);
  }

  /** A session is refused from here on; its channel knows. */
  refuse(sid: string, reason: string): void {
    this.#sessions.close(sid, reason);
  }

  /** The relay has Data for a session that nobody is bound to. */
  handleStray(sid: string): void {
    this.#sessions.handleStray(sid);
  }

  /** Channels were added: Opens that wait are looked at again. */
  handleChannelAdded(nowMs: number): void {
    this.#sessions.handleChannelAdded(nowMs);
  }

  handleRelay(up: boolean, nowMs: number): void {
    this.#sessions.handleRelay(up, nowMs);
    if (!up) return;
    // The server delivers to the connection that accepted, and an opener whose own connection stayed does not notice: once more, on the new one
    // (wire spec 13.7).
    for (const { sid } of [...this.#sessions.all()]) this.#sessions.reattach(sid);
  }

  timeoutMs(): number | undefined {
    return this.#sessions.timeoutMs();
  }

  handleTimeout(nowMs: number): void {
    if (isDue(this.#sessions.timeoutMs(), nowMs)) this.#sessions.handleTimeout(nowMs);
  }

  closeOf(channel: ChannelControl, reason: string): void {
    for (const session of [...this.#sessions.all()])
      if (session.channelId === String(channel.index)) this.#sessions.close(session.sid, reason);
  }

  /** For good: a peer that opens again at once, as Go does, is not accepted any more. */
  closeAll(reason: string): void {
    this.#ending = true;
    for (const session of [...this.#sessions.all()]) this.#sessions.close(session.sid, reason);
  }

  // --- outputs -------------------------------------------------------------------------------------------------------------------

  drain(nowMs: number): void {
    for (let output = this.#sessions.poll(); output !== undefined; output = this.#sessions.poll()) {
      switch (output.kind) {
        case 'send':
          this.#send(output.message);
          break;
        case 'accepted':
          this.#channels.ofIndex(output.channelId)?.inboundUp(output.sid, nowMs);
          break;
        case 'replaced':
          if (output.reattached !== true) this.#channels.ofIndex(output.channelId)?.upstreamRestarted(output.oldSid, nowMs);
          this.#channels.ofIndex(output.channelId)?.inboundDown(output.oldSid, 'replaced by a new session of the peer', true);
          break;
        case 'closed':
          this.#channels.ofIndex(output.channelId)?.inboundDown(output.sid, output.reason, false);
          this.#channels.sessionEnded(output.channelId);
          break;
        case 'refused':
          this.#events.refused(output.sid, output.reason);
          break;
      }
    }
  }

  #send(message: HotlinkMessage): void {
    const session = this.#sessions.get(message.sid);
    const channel = session === undefined ? undefined : this.#channels.ofIndex(session.channelId);
    if (session !== undefined && message.typ === MessageType.Accept) channel?.prepareInbound(session.sid, session.path, session.opener);
    this.#events.send(channel?.idStem, message);
  }
}
