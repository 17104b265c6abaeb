// The SDP and ICE exchange of one session, either role: a description leaves with the candidates there are, the rest follows, and what the relay
// may have lost is sent again. Invariant: nothing is handed to the addon before the remote description. Wire spec 5 and 13.5; main thread, no I/O.

import { candidateKind } from './no-path.js';
import { RemoteCandidates } from './remote-candidates.js';
import { candidatesIn, firstMid, iceUfrag, normaliseCandidate, withCandidates } from './sdp.js';
import { type DescriptionType, formatCandidate, formatDescription, offerOf, parseCandidate, parseDescription } from './signal-token.js';
import { NEGOTIATION_TUNABLES, type NegotiationTunables, SIGNAL_LIMITS } from './tunables.js';

/** How far an exchange is. `offered` and `answered`: our description is on its way; `connecting`: both are there. */
export type NegotiationState = 'new' | 'gathering' | 'offered' | 'answered' | 'connecting' | 'connected' | 'failed';

/** The kinds of signal that an exchange sends and takes. */
export type SignalKind = 'sdp_offer' | 'sdp_answer' | 'ice_candidate' | 'webrtc_error';

/** What the owner of an exchange is to do: signal to the peer, tell the connection, or give up. */
export type NegotiationOutput =
  | { kind: 'send'; knd: SignalKind; tok?: string; err?: string }
  | { kind: 'set-remote'; type: DescriptionType; sdp: string }
  | { kind: 'add-candidate'; candidate: string; mid: string }
  /** Once, and the last output. */
  | { kind: 'failed'; reason: string };

/** `repeated`: known already; `late`: right, but at a time when it changes nothing; `bad`: counted. */
export type SignalVerdict = 'taken' | 'repeated' | 'late' | 'ignored' | 'bad';

/** What an exchange is told once; tunables have defaults. */
export interface NegotiationOptions extends Partial<NegotiationTunables> {
  /** The acceptor of a session offers, its opener answers. */
  role: 'offerer' | 'answerer';
}

type LocalCandidate = { candidate: string; mid: string };

/**
 * One exchange. The owner feeds in what the addon says (the description without or with candidates, candidates, completion, the open channel)
 * and what the peer signals. After every call drain {@link Negotiation.poll}, then look at {@link Negotiation.timeoutMs}.
 */
export class Negotiation {
  readonly #role: 'offerer' | 'answerer';
  readonly #tunables: NegotiationTunables;
  readonly #outputs: NegotiationOutput[] = [];
  readonly #remoteCandidates = new RemoteCandidates();
  /** By candidate text; a Map keeps the order in which they were gathered, best first as a rule. */
  readonly #local = new Map<string, LocalCandidate>();
  #state: NegotiationState = 'new';
  #localSdp: string | undefined;
  /** The description as it was sent, for sending it again unchanged. */
  #sentTok: string | undefined;
  #remoteSdp: string | undefined;
  #capMs: number | undefined;
  #retriesMs: number[] = [];
  #deadlineMs: number | undefined;
  #offerMs: number | undefined;
  #openMs: number | undefined;
  #badSignals = 0;

  constructor(options: NegotiationOptions) {
    const { role, ...tunables } = options;
    this.#role = role;
    this.#tunables = { ...NEGOTIATION_TUNABLES, ...tunables };
  }

  /** Whether this side offers or answers. */
  get role(): 'offerer' | 'answerer' {
    return this.#role;
  }

  /** How far it is. */
  get state(): NegotiationState {
    return this.#state;
  }

  /** From the offer (first sent, or received) to the open channel. */
  get offerToOpenMs(): number | undefined {
    return this.#offerMs === undefined || this.#openMs === undefined ? undefined : this.#openMs - this.#offerMs;
  }

  /** Kinds of the candidates gathered here, and of those the peer sent. */
  get candidateKinds(): { local: ReadonlySet<string>; remote: ReadonlySet<string> } {
    return { local: new Set([...this.#local.keys()].map(candidateKind)), remote: this.#remoteCandidates.kinds };
  }

  /** Signals that could not be read. */
  get badSignals(): number {
    return this.#badSignals;
  }

  /** Remote candidates beyond the bounds. */
  get droppedCandidates(): number {
    return this.#remoteCandidates.dropped;
  }

  /** The next thing to do; undefined when there is none now. */
  poll(): NegotiationOutput | undefined {
    return this.#outputs.shift();
  }

  /** The absolute time at which {@link Negotiation.handleTimeout} must be called. */
  timeoutMs(): number | undefined {
    const times = [this.#capMs, this.#retriesMs[0], this.#deadlineMs].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Starts the deadline. An offerer's owner makes the connection and its data channel now; an answerer's at `set-remote`. */
  start(nowMs: number): void {
    if (this.#state !== 'new' || this.#deadlineMs !== undefined) return;
    this.#deadlineMs = nowMs + this.#tunables.connectDeadlineMs;
    if (this.#role === 'offerer') this.#state = 'gathering';
  }

  /** The addon has a local description. Held until candidates are gathered or the cap has passed. */
  handleLocalDescription(type: DescriptionType, sdp: string, nowMs: number): void {
    if (this.#over() || this.#localSdp !== undefined || type !== (this.#role === 'offerer' ? 'offer' : 'answer')) return;
    this.start(nowMs);
    this.#localSdp = sdp;
    this.#noteCandidatesOf(sdp);
    this.#capMs = nowMs + this.#tunables.gatherCapMs;
  }

  /** The addon has gathered a candidate. One that is not in the description that was sent is sent by itself. */
  handleLocalCandidate(candidate: string, mid: string, _nowMs: number): void {
    const normal = normaliseCandidate(candidate);
    if (this.#state === 'failed' || normal === undefined || normal === 'candidate:') return;
    this.#noteCandidate(normal, mid === '' ? '0' : mid);
  }

  /** The addon has all candidates. `sdp` is its description with them in it. */
  handleGatheringComplete(sdp: string, nowMs: number): void {
    if (this.#over()) return;
    this.start(nowMs);
    this.#noteCandidatesOf(sdp);
    if (this.#sentTok !== undefined) return;
    if (sdp !== '') this.#localSdp = sdp;
    if (this.#localSdp !== undefined) this.#sendDescription(nowMs);
  }

  /** The data channel is open. */
  handleConnected(nowMs: number): void {
    if (this.#over()) return;
    this.#openMs = nowMs;
    this.#settle('connected');
  }

  /** The addon gave up, or the connection broke. The peer is told unless it had been open. */
  handleFailed(reason: string, _nowMs: number): void {
    this.#fail(reason, true);
  }

  /** A signal arrived for this session. Never throws, whatever is in it. */
  handleSignal(knd: string, tok: string | undefined, err: string | undefined, nowMs: number): SignalVerdict {
    if (this.#state === 'failed') return 'late';
    switch (knd) {
      case 'sdp_offer':
        return this.#role === 'answerer' ? this.#handleOffer(parseDescription(tok, 'offer'), nowMs) : 'ignored';
      case 'sdp_answer':
        return this.#role === 'offerer' ? this.#handleAnswer(parseDescription(tok, 'answer'), offerOf(tok)) : 'ignored';
      case 'ice_candidate':
        return this.#handleCandidate(tok);
      case 'webrtc_error':
        this.#fail(`the peer: ${(err ?? '').slice(0, SIGNAL_LIMITS.maxErrorChars) || 'no reason given'}`, false);
        return 'taken';
      default:
        return 'ignored';
    }
  }

  /** The time that timeoutMs named has come. */
  handleTimeout(nowMs: number): void {
    if (this.#deadlineMs !== undefined && nowMs >= this.#deadlineMs) {
      this.#fail(`connect deadline: ${this.#pending()}`, true);
      return;
    }
    if (this.#capMs !== undefined && nowMs >= this.#capMs) this.#sendDescription(nowMs);
    let due = false;
    while (this.#retriesMs[0] !== undefined && nowMs >= this.#retriesMs[0]) {
      this.#retriesMs.shift();
      due = true;
    }
    // Several at once after a stall of the thread are one.
    if (due && this.#sentTok !== undefined) this.#outputs.push({ kind: 'send', knd: 'sdp_offer', tok: this.#sentTok });
  }

  #handleOffer(sdp: string | undefined, nowMs: number): SignalVerdict {
    if (sdp === undefined) return this.#bad();
    if (this.#remoteSdp !== undefined) return this.#handleOfferAgain(sdp);
    if (this.#state === 'connected') return 'late';
    this.start(nowMs);
    this.#offerMs = nowMs;
    this.#state = 'gathering';
    this.#setRemote('offer', sdp);
    return 'taken';
  }

  #handleOfferAgain(sdp: string): SignalVerdict {
    if (sdp !== this.#remoteSdp && iceUfrag(sdp) !== iceUfrag(this.#remoteSdp ?? '')) {
      // The peer has begun again with a new connection, so ours leads nowhere. It will offer again, to our next one.
      this.#fail('the peer began again', false);
      return 'taken';
    }
    if (this.#state === 'answered' && this.#sentTok !== undefined) {
      this.#outputs.push({ kind: 'send', knd: 'sdp_answer', tok: this.#sentTok });
      this.#sendAllCandidates();
    }
    return 'repeated';
  }

  /** @param offer names the offer that it is to, where the peer says so */
  #handleAnswer(sdp: string | undefined, offer: string | undefined): SignalVerdict {
    if (sdp === undefined) return this.#bad();
    if (this.#remoteSdp !== undefined) return 'repeated';
    // An answer to an offer that was never sent can only belong to another attempt. So does one to another offer: applied to this connection, it
    // would keep the right one out until the deadline.
    if (this.#state !== 'offered' || (offer !== undefined && offer !== iceUfrag(this.#localSdp ?? ''))) return 'late';
    this.#retriesMs = [];
    this.#state = 'connecting';
    this.#setRemote('answer', sdp);
    // A Rust answerer drops candidates that come before it has made its connection, which the answer now proves (wire spec 5.6).
    this.#sendAllCandidates();
    return 'taken';
  }

  #handleCandidate(tok: string | undefined): SignalVerdict {
    const token = parseCandidate(tok);
    if (token === undefined) return this.#bad();
    if (token === 'end') return 'ignored';
    const before = this.#remoteCandidates.dropped;
    const ready = this.#remoteCandidates.add(token);
    if (ready !== undefined) this.#outputs.push({ kind: 'add-candidate', ...ready });
    return this.#remoteCandidates.dropped > before ? 'ignored' : 'taken';
  }

  #setRemote(type: DescriptionType, sdp: string): void {
    this.#remoteSdp = sdp;
    this.#outputs.push({ kind: 'set-remote', type, sdp });
    for (const ready of this.#remoteCandidates.release(sdp)) this.#outputs.push({ kind: 'add-candidate', ...ready });
  }

  #noteCandidatesOf(sdp: string): void {
    for (const candidate of candidatesIn(sdp)) this.#noteCandidate(candidate, firstMid(sdp));
  }

  #noteCandidate(candidate: string, mid: string): void {
    if (this.#local.has(candidate)) return;
    const local = { candidate, mid };
    this.#local.set(candidate, local);
    if (this.#sentTok !== undefined) this.#sendCandidate(local);
  }

  #sendDescription(nowMs: number): void {
    const type = this.#role === 'offerer' ? 'offer' : 'answer';
    const offer = type === 'answer' ? iceUfrag(this.#remoteSdp ?? '') : undefined;
    this.#sentTok = formatDescription(type, withCandidates(this.#localSdp ?? '', this.#local.keys()), offer);
    this.#capMs = undefined;
    this.#outputs.push({ kind: 'send', knd: `sdp_${type}`, tok: this.#sentTok });
    if (type === 'answer') {
      this.#state = 'answered';
      return;
    }
    this.#state = 'offered';
    this.#offerMs = nowMs;
    this.#retriesMs = this.#tunables.retryAfterMs.map((afterMs) => nowMs + afterMs).sort((a, b) => a - b);
  }

  #sendAllCandidates(): void {
    for (const local of this.#local.values()) this.#sendCandidate(local);
  }

  #sendCandidate({ candidate, mid }: LocalCandidate): void {
    this.#outputs.push({ kind: 'send', knd: 'ice_candidate', tok: formatCandidate(candidate, mid) });
  }

  #fail(reason: string, tellPeer: boolean): void {
    if (this.#state === 'failed') return;
    // Only a peer that has shown or been shown something is waiting, and one whose channel was open sees it close.
    if (tellPeer && this.#offerMs !== undefined && this.#state !== 'connected') {
      this.#outputs.push({ kind: 'send', knd: 'webrtc_error', err: reason.slice(0, SIGNAL_LIMITS.maxErrorChars) });
    }
    this.#settle('failed');
    this.#outputs.push({ kind: 'failed', reason });
  }

  #settle(state: 'connected' | 'failed'): void {
    this.#state = state;
    this.#capMs = undefined;
    this.#retriesMs = [];
    this.#deadlineMs = undefined;
  }

  /** What did not happen in time. */
  #pending(): string {
    const seconds = this.#tunables.connectDeadlineMs / 1000;
    switch (this.#state) {
      case 'new':
        return `no offer came within ${seconds} s`;
      case 'gathering':
        return `no description was made within ${seconds} s`;
      case 'offered':
        return `the offer was not answered within ${seconds} s`;
      default:
        return `no data channel within ${seconds} s`;
    }
  }

  #over(): boolean {
    return this.#state === 'connected' || this.#state === 'failed';
  }

  #bad(): 'bad' {
    this.#badSignals++;
    return 'bad';
  }
}
