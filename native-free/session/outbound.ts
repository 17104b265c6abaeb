// The opener of one direction of one channel: asks for a session when there are bytes to send, keeps asking, and comes again
// after a reconnect. Invariant: at most one live sid, and an Accept for any other is stale. Wire spec 2.4 and 13.2; main thread, no I/O.

import { OpenPace } from './open-pace.js';
import { OUTBOUND_TUNABLES, type OutboundTunables } from './tunables.js';
import type { PeerKind, SendOutput, SessionMessage } from './types.js';

/** How far the session is. `waiting-relay`: wanted, and the relay is away; `backoff`: refused, and to be tried again. */
export type OutboundState = 'idle' | 'waiting-relay' | 'opening' | 'accepted' | 'backoff' | 'closed';

/** What the owner of an outbound session is to do, or is told. */
export type OutboundOutput =
  | SendOutput
  /** Data may be sent under this sid from now on. */
  | { kind: 'accepted'; sid: string; peerKind: PeerKind }
  /** An accepted session is being replaced; its sid carries nothing over the relay any more. `accepted` follows when the peer agrees. */
  | { kind: 'reopened'; oldSid: string; sid: string }
  /** The session is gone: the acceptor left, or the server no longer knows it. Opened again by itself while wanted. */
  | { kind: 'lost'; sid: string; reason: string }
  /** The Open was refused. Tried again by itself in `retryInMs`; strict mode makes it an error in the owner. */
  | { kind: 'rejected'; sid: string; reason: string; retryInMs: number };

/** `moved`: a Go peer accepted a path that it cannot map, so the session is being opened on its own path instead. */
export type AcceptVerdict = 'accepted' | 'duplicate' | 'stale' | 'moved';

/** `stale`: not about the live session; `ignored`: about it, but it changes nothing. */
export type EndVerdict = 'taken' | 'stale' | 'ignored';

/** What an outbound session is told once. */
export type OutboundOptions = {
  /** The path to open: datasite-relative, of the channel's marker. May change: it is read at each Open. */
  path: string;
  /** The path that a Go peer maps, when it differs (wire spec, section 12 row 9). */
  goPath?: string;
  /** The acceptor's e-mail; goes into `to`. Empty for an Open without a receiver, which anyone may accept (local IPC). */
  peer: string;
  /** A fresh unguessable id (UUIDv4), never the same twice. */
  newSid: () => string;
  /** Chance, 0 … 1. */
  jitter: () => number;
  tunables?: Partial<OutboundTunables>;
};

/**
 * One outbound session and its successors. After every `handle…` and `close` call drain {@link poll} until it gives `undefined`,
 * then look at {@link timeoutMs}.
 */
export class OutboundSession {
  readonly #options: OutboundOptions;
  readonly #tunables: OutboundTunables;
  readonly #pace: OpenPace;
  readonly #outputs: OutboundOutput[] = [];
  #state: OutboundState = 'idle';
  #wanted = false;
  #relayUp = false;
  #peerKind: PeerKind = 'unknown';
  #goPath: string | undefined;
  #goPathDenied = false;
  #sid: string | undefined;
  #sidPath = '';
  /** An accepted session that a reconnect made useless. Closed only once its successor is accepted: the peer's lanes hang on it until then. */
  #replacedSid: string | undefined;
  #deadlineMs: number | undefined;
  #openedAtMs = Number.NEGATIVE_INFINITY;
  #hintedAtMs = Number.NEGATIVE_INFINITY;
  #attempts = 0;
  #lastReject: string | undefined;

  constructor(options: OutboundOptions) {
    this.#options = options;
    this.#goPath = options.goPath;
    this.#tunables = { ...OUTBOUND_TUNABLES, ...options.tunables };
    this.#pace = new OpenPace(this.#tunables, options.jitter);
  }

  /** How far it is. */
  get state(): OutboundState {
    return this.#state;
  }

  /** The live sid: the one that an Accept has to name. */
  get sid(): string | undefined {
    return this.#sid;
  }

  /** The path that the live session was opened on. */
  get path(): string {
    return this.#sid === undefined ? this.#pathToOpen() : this.#sidPath;
  }

  /** What the peer runs, as far as it is known. */
  get peerKind(): PeerKind {
    return this.#peerKind;
  }

  /** Opens sent since the last session that was accepted. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Why the last Open was refused; `undefined` once one was accepted. */
  get lastReject(): string | undefined {
    return this.#lastReject;
  }

  /** The absolute time at which {@link handleTimeout} must be called. */
  timeoutMs(): number | undefined {
    return this.#deadlineMs;
  }

  /** The next thing to do, in order; `undefined` when there is nothing. */
  poll(): OutboundOutput | undefined {
    return this.#outputs.shift();
  }

  /** Local bytes exist: opens, once the relay is there. Calling it again changes nothing. */
  handleWant(nowMs: number): void {
    if (this.#state === 'closed') return;
    this.#wanted = true;
    if (this.#state !== 'idle') return;
    if (this.#relayUp) this.#open(nowMs);
    else this.#wait('waiting-relay', undefined);
  }

  /** No local bytes are left to send: an accepted session stays, a pending one is given up, a lost one is not opened again. */
  handleUnwant(): void {
    this.#wanted = false;
    if (this.#state === 'closed' || this.#state === 'accepted' || this.#reopening()) return;
    this.#closeAll('unwanted');
    this.#wait('idle', undefined);
  }

  /**
   * The relay connection came (`true`, also when a new one took over without a gap) or went. Replies follow the connection that an Open
   * was sent on, so every new one means new sids.
   */
  handleRelay(up: boolean, nowMs: number): void {
    if (this.#state === 'closed') return;
    this.#relayUp = up;
    if (!up) {
      this.#dropSends();
      if (this.#state === 'opening' || this.#state === 'backoff') this.#wait('waiting-relay', undefined);
      return;
    }
    this.#goPathDenied = false;
    this.#pace.reset();
    if (this.#state === 'accepted') this.#replace(nowMs);
    else if (this.#state !== 'idle') this.#open(nowMs);
  }

  /** What the peer runs, known before it accepts (its own Opens carry it). Decides the path of the next Open. */
  handlePeerKind(kind: PeerKind): void {
    if (kind !== 'unknown') this.#peerKind = kind;
  }

  /**
   * A Go peer opened towards us on this path, so it is the one that it maps for what it receives too, whatever our marker makes of it. For
   * the next Open: what was sent on another path by then is with the peer.
   */
  handleGoPath(path: string): void {
    if (path !== this.#goPath) this.#goPathDenied = false;
    this.#goPath = path;
  }

  /** Something happened that may let an Open succeed now (the peer was seen, an ACL changed): the current wait is cut short. */
  handleHint(nowMs: number): void {
    if (this.#deadlineMs === undefined) return;
    if (this.#state === 'backoff') {
      this.#deadlineMs = Math.min(this.#deadlineMs, Math.max(nowMs, this.#openedAtMs + this.#tunables.reopenFloorMs));
    } else if (nowMs - this.#hintedAtMs >= this.#tunables.openWaitMaxMs) {
      // An Open that is on its way gets its first wait whatever is hinted, and hints are rare: two openers that hint at each other by
      // opening would otherwise replace their sids faster than an Accept can travel.
      this.#hintedAtMs = nowMs;
      this.#deadlineMs = Math.min(this.#deadlineMs, Math.max(nowMs, this.#openedAtMs + this.#tunables.openWaitMs));
    }
  }

  /** An Accept arrived. `duplicate` means that the acceptor came back on another connection and listens again. */
  handleAccept(sid: string, peerKind: PeerKind, nowMs: number): AcceptVerdict {
    if (sid !== this.#sid) return 'stale';
    if (this.#state === 'accepted') return 'duplicate';
    if (this.#state !== 'opening' && this.#state !== 'backoff') return 'stale';
    this.handlePeerKind(peerKind);
    // Only in this direction: a peer that runs two kinds of program would otherwise send us to and fro for ever.
    if (this.#sidPath === this.#options.path && this.#pathToOpen() !== this.#sidPath) {
      this.#open(nowMs);
      return 'moved';
    }
    this.#wait('accepted', undefined);
    this.#pace.countAccept(nowMs);
    this.#lastReject = undefined;
    if (this.#replacedSid !== undefined) this.#send({ typ: 13, sid: this.#replacedSid, rsn: 'superseded' });
    this.#replacedSid = undefined;
    this.#outputs.push({ kind: 'accepted', sid, peerKind: this.#peerKind });
    return 'accepted';
  }

  /** A Reject arrived, from the server or from the peer (a `quic_error` signal saying `unknown session` counts as one). */
  handleReject(sid: string, reason: string, nowMs: number): EndVerdict {
    if (sid !== this.#sid || this.#state === 'waiting-relay') return 'stale';
    const unknown = reason === 'unknown session';
    // A second refusal of the same Open adds nothing, and one of the peer's programs refusing does not undo that another accepted.
    if (this.#state === 'backoff' || (this.#state === 'accepted' && !unknown)) return 'ignored';
    const waitMs = this.#waitAfterReject(reason, nowMs);
    if (this.#state === 'accepted') {
      this.#attempts = 0;
      this.#outputs.push({ kind: 'lost', sid, reason });
    }
    this.#lastReject = reason;
    // The server keeps nothing of these two, so there is nothing to close either.
    if (unknown || reason === 'permission denied') this.#sid = undefined;
    this.#outputs.push({ kind: 'rejected', sid, reason, retryInMs: waitMs });
    if (waitMs === 0 && (this.#wanted || this.#reopening())) this.#open(nowMs);
    else this.#backOff(nowMs + waitMs);
    return 'taken';
  }

  /** A Close arrived: the acceptor left. */
  handleClose(sid: string, reason: string, nowMs: number): EndVerdict {
    if (sid === this.#replacedSid) this.#replacedSid = undefined;
    if (sid !== this.#sid || this.#state === 'waiting-relay') return 'stale';
    this.#sid = undefined;
    if (this.#state === 'backoff') return 'ignored';
    if (this.#state === 'accepted') this.#attempts = 0;
    this.#outputs.push({ kind: 'lost', sid, reason });
    this.#backOff(nowMs + this.#pace.waitAfterLossMs(nowMs));
    return 'taken';
  }

  /** Replaces an accepted session, for instance because the peer's program was started anew and no longer knows it. */
  reopen(nowMs: number): void {
    if (this.#state === 'accepted' && this.#relayUp) this.#replace(nowMs);
  }

  /** The time that timeoutMs named has come. */
  handleTimeout(nowMs: number): void {
    if (this.#deadlineMs === undefined || nowMs < this.#deadlineMs) return;
    if (this.#state === 'opening') this.#pace.countSilence();
    this.#open(nowMs);
  }

  /** Ends for good. Sends a Close for what is live, if the relay is there. */
  close(reason: string): void {
    if (this.#state === 'closed') return;
    this.#closeAll(reason);
    this.#wait('closed', undefined);
  }

  #open(nowMs: number): string {
    if (this.#sid !== undefined) this.#send({ typ: 13, sid: this.#sid, rsn: 'superseded' });
    if (this.#state === 'accepted' || this.#state === 'idle') this.#attempts = 0;
    const sid = this.#options.newSid();
    this.#sid = sid;
    this.#sidPath = this.#pathToOpen();
    this.#attempts++;
    this.#openedAtMs = nowMs;
    const { peer } = this.#options;
    this.#send({ typ: 9, sid, pth: this.#sidPath, ...(peer === '' ? {} : { to: peer }) });
    this.#wait('opening', nowMs + this.#pace.answerWaitMs());
    return sid;
  }

  #replace(nowMs: number): void {
    const oldSid = this.#sid;
    if (oldSid === undefined) return;
    this.#replacedSid = oldSid;
    this.#sid = undefined;
    const at = this.#outputs.length;
    const sid = this.#open(nowMs);
    // In front of the Open, so that the owner knows the new sid before anything about it leaves.
    this.#outputs.splice(at, 0, { kind: 'reopened', oldSid, sid });
  }

  /** An accepted session is being replaced: that goes on whether or not there are bytes, because the peer's lanes hang on it. */
  #reopening(): boolean {
    return this.#replacedSid !== undefined;
  }

  #pathToOpen(): string {
    const { path } = this.#options;
    return this.#goPath !== undefined && this.#peerKind === 'go' && !this.#goPathDenied ? this.#goPath : path;
  }

  #waitAfterReject(reason: string, nowMs: number): number {
    if (reason === 'unknown session') return this.#pace.waitAfterUnknownMs(this.#openedAtMs, nowMs);
    if (reason !== 'permission denied') return this.#pace.waitAfterRefusalMs();
    if (this.#sidPath === this.#options.path) return this.#pace.waitAfterDenialMs();
    this.#goPathDenied = true;
    return 0;
  }

  #backOff(untilMs: number): void {
    if (this.#wanted || this.#reopening()) this.#wait('backoff', untilMs);
    else this.#wait('idle', undefined);
  }

  #closeAll(reason: string): void {
    for (const sid of [this.#replacedSid, this.#sid]) if (sid !== undefined) this.#send({ typ: 13, sid, rsn: reason });
    this.#replacedSid = undefined;
    this.#sid = undefined;
  }

  #wait(state: OutboundState, deadlineMs: number | undefined): void {
    this.#state = state;
    this.#deadlineMs = deadlineMs;
  }

  #send(message: SessionMessage): void {
    if (this.#relayUp) this.#outputs.push({ kind: 'send', message });
  }

  #dropSends(): void {
    const kept = this.#outputs.filter((output) => output.kind !== 'send');
    this.#outputs.splice(0, this.#outputs.length, ...kept);
  }
}
