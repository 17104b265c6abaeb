// The acceptor's side: which sessions peers have opened towards us, and which Opens still wait for their channel to be discovered.
// Invariant: one session per channel, one Accept per sid, and never a Reject for a broadcast. Wire spec 2.5 and 13.3; main thread, no I/O.

import type { Fingerprint } from '../envelope/ids.js';
import type { OpenMessage } from '../envelope/types.js';
import { checkPath } from '../path.js';
import { INBOUND_TUNABLES, type InboundTunables } from './tunables.js';
import type { ChannelLookup, SendOutput } from './types.js';
import { WaitingOpens } from './waiting.js';

/** Why an Open is not answered. */
export type RefusedReason = 'bad-sid' | 'bad-path' | 'no-sender' | 'own-open' | 'not-for-us' | 'wrong-peer';

/** What the owner of the inbound sessions is to do, or is told. */
export type InboundOutput =
  | SendOutput
  /** The session carries from now on. */
  | { kind: 'accepted'; sid: string; channelId: string; opener: Fingerprint }
  /** The peer opened the channel anew: what belonged to `oldSid` belongs to `sid` now. In front of the new one's Accept. */
  | {
      kind: 'replaced';
      oldSid: string;
      sid: string;
      channelId: string;
      /** We had to accept the old one again: its opener may have lost it with the relay's memory. */
      reattached?: true;
    }
  /** The session is over, by the opener or by the server. */
  | { kind: 'closed'; sid: string; channelId: string; reason: string }
  /** For a counter. Nothing is sent: an answer would kill the Open for others it was broadcast to. */
  | { kind: 'refused'; sid: string; reason: RefusedReason };

/** What became of an Open. */
export type OpenVerdict = 'accepted' | 'waiting' | 'duplicate' | 'ended' | 'refused';

/** One session that a peer opened. */
export type InboundSession = {
  readonly sid: string;
  readonly channelId: string;
  readonly peer: string;
  readonly path: string;
  /** What the peer runs. */
  readonly opener: Fingerprint;
  /** Whether the relay delivers Data of this session to our present connection. */
  readonly relayAttached: boolean;
  /** It was accepted again, on another connection than at first. */
  readonly reattached?: boolean;
};

/** What the inbound sessions are told once. */
export type InboundOptions = {
  /** Our own e-mail. */
  self: string;
  tunables?: Partial<InboundTunables>;
};

// Upstream's are 16 and 36 characters; the bound keeps what is remembered of a stranger small.
const SID_PATTERN = /^[\x21-\x7e]{1,128}$/;

/** All inbound sessions of this program. After every call drain {@link poll}, then look at {@link timeoutMs}. */
export class InboundSessions {
  readonly #self: string;
  readonly #tunables: InboundTunables;
  readonly #outputs: InboundOutput[] = [];
  readonly #waiting: WaitingOpens;
  readonly #bySid = new Map<string, InboundSession>();
  readonly #sidByChannel = new Map<string, string>();
  /** Sessions that are over, oldest first; the value says whether the opener has been told so by us. */
  readonly #ended = new Map<string, boolean>();
  #relayUp = true;

  constructor(options: InboundOptions) {
    this.#self = options.self;
    this.#tunables = { ...INBOUND_TUNABLES, ...options.tunables };
    this.#waiting = new WaitingOpens(this.#tunables);
  }

  /** The session of that id. */
  get(sid: string): InboundSession | undefined {
    return this.#bySid.get(sid);
  }

  /** The session of a channel. */
  ofChannel(channelId: string): InboundSession | undefined {
    const sid = this.#sidByChannel.get(channelId);
    return sid === undefined ? undefined : this.#bySid.get(sid);
  }

  /** Every session. */
  all(): IterableIterator<InboundSession> {
    return this.#bySid.values();
  }

  /** Opens remembered for channels that are not known yet. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** The absolute time at which handleTimeout must be called. */
  timeoutMs(): number | undefined {
    return this.#waiting.timeoutMs();
  }

  /** The time that timeoutMs named has come. */
  handleTimeout(nowMs: number): void {
    this.#waiting.expire(nowMs);
  }

  /** The next thing to do, in order; undefined when there is nothing. */
  poll(): InboundOutput | undefined {
    return this.#outputs.shift();
  }

  /**
   * An Open arrived. Accepted at once if its channel is known and `frm` is the channel's peer; silently remembered if it is not known.
   *
   * @param opener what the peer runs, from the id of its message
   * @param lookup kept with a remembered Open, and asked again by {@link handleChannelAdded}
   */
  handleOpen(open: OpenMessage, opener: Fingerprint, lookup: ChannelLookup, nowMs: number): OpenVerdict {
    const { sid, pth, frm } = open;
    this.#waiting.expire(nowMs);
    if (!SID_PATTERN.test(sid)) return this.#refuse(sid.slice(0, 128), 'bad-sid');
    if (this.#bySid.has(sid) || this.#waiting.has(sid)) return 'duplicate';
    if (this.#ended.has(sid)) return 'ended';
    if (checkPath(pth) !== 'ok') return this.#refuse(sid, 'bad-path');
    // Without the server's word on who is asking, nobody can be told from anybody.
    if (frm === undefined || frm === '') return this.#refuse(sid, 'no-sender');
    if (frm === this.#self) return this.#refuse(sid, 'own-open');
    if (open.to !== undefined && open.to !== '' && open.to !== this.#self) return this.#refuse(sid, 'not-for-us');
    const found = lookup(pth, frm);
    if (found === 'wrong-peer') return this.#refuse(sid, 'wrong-peer');
    if (found === 'unknown-channel' || !this.#relayUp) {
      this.#waiting.add({ sid, path: pth, peer: frm, opener, lookup, expiresAtMs: nowMs + this.#tunables.waitingTtlMs });
      return 'waiting';
    }
    this.#accept({ sid, channelId: found, peer: frm, path: pth, opener, relayAttached: true });
    return 'accepted';
  }

  /** A channel was added or changed: remembered Opens are looked up again. */
  handleChannelAdded(nowMs: number): void {
    this.#waiting.expire(nowMs);
    if (!this.#relayUp) return;
    for (const waiting of this.#waiting.list()) {
      const found = waiting.lookup(waiting.path, waiting.peer);
      if (found === 'unknown-channel') continue;
      this.#waiting.delete(waiting.sid);
      const { sid, path, peer, opener } = waiting;
      if (found === 'wrong-peer') this.#refuse(sid, 'wrong-peer');
      else this.#accept({ sid, channelId: found, peer, path, opener, relayAttached: true });
    }
  }

  /**
   * The server rejected our Accept of this session. One that it does not know any more, since it lost its memory, is kept: a data channel may
   * carry it, and the opener, who hears of it too, is about to replace it.
   */
  handleReject(sid: string, reason: string): 'taken' | 'kept' | 'stale' {
    const session = this.#bySid.get(sid);
    if (session?.reattached !== true || reason !== 'unknown session') return this.handleClose(sid, reason);
    this.#bySid.set(sid, { ...session, relayAttached: false });
    return 'kept';
  }

  /** A Close arrived for this sid. */
  handleClose(sid: string, reason: string): 'taken' | 'stale' {
    const session = this.#bySid.get(sid);
    const waited = this.#waiting.delete(sid);
    // The server's workers let a Close overtake its Open (S1), so the id counts as over even if nothing is known of it.
    if (SID_PATTERN.test(sid)) this.#end(sid, true);
    if (session === undefined) return waited ? 'taken' : 'stale';
    this.#outputs.push({ kind: 'closed', sid, channelId: session.channelId, reason });
    return 'taken';
  }

  /**
   * The relay connection went or came. The server delivers to the connection that sent the Accept, so sessions of an old one get nothing over
   * the relay any more; they stay, because a data channel may still carry them, until the opener replaces them.
   */
  handleRelay(up: boolean, nowMs: number): void {
    this.#relayUp = up;
    for (const session of this.#bySid.values()) this.#bySid.set(session.sid, { ...session, relayAttached: false });
    if (up) {
      this.handleChannelAdded(nowMs);
      return;
    }
    const kept = this.#outputs.filter((output) => output.kind !== 'send');
    this.#outputs.splice(0, this.#outputs.length, ...kept);
  }

  /**
   * Accepts a session once more on the present connection, for an opener that did not notice that ours was a new one (wire spec 13.7).
   * Once per connection: a server under load can be hurt by more (S4).
   */
  reattach(sid: string): boolean {
    const session = this.#bySid.get(sid);
    if (session === undefined || session.relayAttached || !this.#relayUp) return false;
    this.#bySid.set(sid, { ...session, relayAttached: true, reattached: true });
    this.#outputs.push({ kind: 'send', message: { typ: 10, sid } });
    return true;
  }

  /**
   * Data or a signal came for a session that is over here, so its opener believes in it (its Opens arrived out of order): a Close, sent once,
   * makes it come again. Ids never seen are left alone.
   */
  handleStray(sid: string): boolean {
    if (this.#ended.get(sid) !== false || !this.#relayUp) return false;
    this.#ended.set(sid, true);
    this.#outputs.push({ kind: 'send', message: { typ: 13, sid, rsn: 'unknown session' } });
    return true;
  }

  /** Ends a session from our side and tells the opener. */
  close(sid: string, reason: string): void {
    if (!this.#bySid.has(sid)) return;
    this.#end(sid, true);
    if (this.#relayUp) this.#outputs.push({ kind: 'send', message: { typ: 13, sid, rsn: reason } });
  }

  /** Ends a session, or the memory of an Open, without a word. */
  forget(sid: string): void {
    this.#waiting.delete(sid);
    if (this.#bySid.has(sid)) this.#end(sid, false);
  }

  #accept(session: InboundSession): void {
    const { sid, channelId, opener } = session;
    const oldSid = this.#sidByChannel.get(channelId);
    if (oldSid !== undefined) {
      const reattached = this.#bySid.get(oldSid)?.reattached === true;
      this.#end(oldSid, false);
      this.#outputs.push({ kind: 'replaced', oldSid, sid, channelId, ...(reattached ? { reattached } : {}) });
    }
    this.#bySid.set(sid, session);
    this.#sidByChannel.set(channelId, sid);
    this.#outputs.push({ kind: 'send', message: { typ: 10, sid } }, { kind: 'accepted', sid, channelId, opener });
  }

  #end(sid: string, told: boolean): void {
    const session = this.#bySid.get(sid);
    this.#bySid.delete(sid);
    if (session !== undefined && this.#sidByChannel.get(session.channelId) === sid) this.#sidByChannel.delete(session.channelId);
    this.#ended.set(sid, told || this.#ended.get(sid) === true);
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= this.#tunables.maxEnded) break;
      this.#ended.delete(oldest);
    }
  }

  #refuse(sid: string, reason: RefusedReason): OpenVerdict {
    this.#outputs.push({ kind: 'refused', sid, reason });
    return 'refused';
  }
}
