// The key exchange of one session, either role, by Signals `hl1_key`: both say their ephemeral key, each answers the other's with a proof that
// it saw it (signed, where there is an identity), and with the other's proof the keys are there. What is lost is sent again. Invariants: a
// side that has seen that the other can seal never settles for plain; keys exist only behind the judgement of the identity. No I/O.

import { sameBytes } from './fields.js';
import { type EphemeralToken, formatKeyToken, parseKeyToken } from './key-token.js';
import type { SealKeys } from './sealed-frame.js';
import { proofBytes, type SealParty, type SealRole, sealTranscript } from './transcript.js';

/** How long a peer may take before it counts as one that cannot seal, ms. Only an older program ever makes us wait for it. */
export const SEAL_WAIT_MS = 5000;
/** When what was said last is said again, after the start, ms: as an unanswered offer is (wire.md 13.5). */
const RETRY_AFTER_MS = [250, 1000, 3000];

/** What a signature of the wrong key or of other words amounts to. */
const FORGED = 'the signature under its key is not of the identity it shows: somebody changed it on the way';

/** The primitives, and our own keys. */
export interface KeyCrypto {
  /** Our X25519 public key of this session, 32 bytes. */
  readonly ephemeral: Uint8Array;
  /** Our long-lived Ed25519 public key, where there is one. */
  readonly identity: Uint8Array | undefined;
  /** With the identity's private key; only asked for when there is one. */
  sign(bytes: Uint8Array): Uint8Array;
  /** Whether the identity signed these bytes. */
  verify(identity: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean;
  /** @returns undefined for a public key that gives no secret */
  agree(peerEphemeral: Uint8Array, transcript: Uint8Array, role: SealRole, epochs: { send: string; open: string }): SealKeys | undefined;
}

/** What an exchange is told once. */
export interface KeyExchangeOptions {
  /** The session. */
  sid: string;
  /** Whether we opened it. */
  role: SealRole;
  /** Who we are. */
  self: { email: string; epoch: string };
  /** Who the peer is. */
  peer: { email: string; epoch: string };
  /** False: this side does not seal, and says so. */
  enabled: boolean;
  /** The primitives. */
  crypto: KeyCrypto;
  /** Why nothing may go through the relay unsealed; undefined where it may. */
  mustSeal(): string | undefined;
  /** Judges an identity whose signature is right, or its absence. @returns why it is refused */
  judge(identity: Uint8Array | undefined): string | undefined;
}

/** What the owner of an exchange is to do, or is told. */
export type KeyExchangeOutput =
  | { kind: 'send'; tok: string }
  /** One of the following, once; after `plain` there may still be a `refused`. */
  | { kind: 'sealed'; keys: SealKeys; identity: Uint8Array | undefined }
  | { kind: 'plain'; reason: string }
  | {
      kind: 'refused';
      reason: string;
      /** The peer's identity was refused; otherwise only the relay lane cannot be had. */
      untrusted: boolean;
      /** A new session may do better. */
      again: boolean;
    };

/** `ok`, or why the Signal was refused. */
export type KeySignalVerdict = 'ok' | { refused: string };

/** Agrees with the peer on the keys that seal what the relay carries of one session, or on going without. */
export class KeyExchange {
  readonly #options: KeyExchangeOptions;
  readonly #outputs: KeyExchangeOutput[] = [];
  #state: 'waiting' | 'sealed' | 'plain' | 'refused' = 'waiting';
  #peer: EphemeralToken | undefined;
  #transcript: Uint8Array = new Uint8Array(0);
  #retriesMs: number[] = [];
  #deadlineMs: number | undefined;
  #forged = 0;
  /** Plain only because the peer was not heard. */
  #silence = false;

  constructor(options: KeyExchangeOptions) {
    this.#options = options;
  }

  /** The next thing to do; undefined when there is none now. */
  poll(): KeyExchangeOutput | undefined {
    return this.#outputs.shift();
  }

  /** The absolute time at which {@link handleTimeout} must be called. */
  timeoutMs(): number | undefined {
    return this.#state === 'waiting' ? (this.#retriesMs[0] ?? this.#deadlineMs) : undefined;
  }

  /** The session is up: says our part. */
  start(nowMs: number): void {
    if (!this.#options.enabled) {
      this.#outputs.push({ kind: 'send', tok: formatKeyToken({ kind: 'off', reason: 'switched off' }) });
      this.#plain('sealing is switched off on this side');
      return;
    }
    this.#wait(nowMs);
    this.#say();
  }

  #wait(nowMs: number): void {
    this.#deadlineMs = nowMs + SEAL_WAIT_MS;
    this.#retriesMs = RETRY_AFTER_MS.map((afterMs) => nowMs + afterMs);
  }

  /** The way to the peer was interrupted, and is there again: what either side said may be lost. */
  resume(nowMs: number): void {
    if (this.#state !== 'waiting' && !this.#silence) return;
    if (this.#state === 'waiting') this.#wait(nowMs);
    this.#say(true);
  }

  /** A Signal `hl1_key` arrived. Never throws, whatever is in it. */
  handleSignal(tok: string | undefined): KeySignalVerdict {
    const token = parseKeyToken(tok);
    if (token === undefined) return { refused: 'not a key token of version 1' };
    if (token.kind === 'off') return this.#handleOff(token.reason);
    if (!this.#options.enabled) {
      if (token.required) this.#refuse('the peer takes nothing unsealed, and sealing is switched off on this side');
      return 'ok';
    }
    if (this.#state === 'sealed') {
      // Our proof was lost. Only one who waits asks, so two who have finished never answer each other.
      if (token.asks && sameBytes(token.ephemeral, this.#peer?.ephemeral ?? NOTHING)) this.#say();
      return 'ok';
    }
    if (this.#state === 'waiting') return this.#handleKey(token);
    // It was only late: the two sides would not agree on how this session goes on.
    if (this.#state === 'plain') this.#refuse('the peer seals after all', { again: true });
    return 'ok';
  }

  /** The time that timeoutMs named has come. */
  handleTimeout(nowMs: number): void {
    if (this.#state !== 'waiting') return;
    if (this.#deadlineMs !== undefined && nowMs >= this.#deadlineMs) {
      this.#giveUp();
      return;
    }
    let due = false;
    while (this.#retriesMs[0] !== undefined && nowMs >= this.#retriesMs[0]) {
      this.#retriesMs.shift();
      due = true;
    }
    if (due) this.#say(true);
  }

  #handleOff(reason: string): KeySignalVerdict {
    if (this.#state !== 'waiting') return 'ok';
    if (this.#peer !== undefined) return { refused: 'says that it does not seal, after it said that it does' };
    const must = this.#options.mustSeal();
    if (must === undefined) this.#plain(`the peer does not seal: ${reason}`);
    else this.#refuse(`the peer does not seal (${reason}), and ${must}`);
    return 'ok';
  }

  #handleKey(token: EphemeralToken): KeySignalVerdict {
    const { crypto } = this.#options;
    if (this.#peer === undefined) {
      if (sameBytes(token.ephemeral, crypto.ephemeral)) return { refused: 'our own key, sent back' };
      this.#peer = token;
      this.#transcript = this.#transcriptWith(token);
      this.#say();
    } else if (!sameBytes(token.ephemeral, this.#peer.ephemeral)) return { refused: 'another key than the first one of this session' };
    if (token.of === undefined) return 'ok';
    return this.#handleProof(token);
  }

  #handleProof(token: EphemeralToken): KeySignalVerdict {
    const { crypto, judge, role, self, peer } = this.#options;
    if (!sameBytes(token.of ?? NOTHING, crypto.ephemeral)) return this.#forgery('the answer to a key that was never ours');
    if (!sameBytes(token.identity ?? NOTHING, this.#peer?.identity ?? NOTHING)) return this.#forgery('another identity than at first');
    if (token.identity !== undefined) {
      const signed = proofBytes(role === 'opener' ? 'acceptor' : 'opener', this.#transcript);
      if (token.signature === undefined || !crypto.verify(token.identity, signed, token.signature)) return this.#forgery(FORGED);
    }
    const refusal = judge(token.identity);
    if (refusal !== undefined) {
      this.#refuse(refusal, { untrusted: true });
      return { refused: refusal };
    }
    const keys = crypto.agree(token.ephemeral, this.#transcript, role, { send: self.epoch, open: peer.epoch });
    if (keys === undefined) return this.#forgery('a key that gives no secret');
    this.#state = 'sealed';
    this.#outputs.push({ kind: 'sealed', keys, identity: token.identity });
    return 'ok';
  }

  /** The genuine one may still come, so that a stranger's words end nothing; without it the time runs out. */
  #forgery(reason: string): KeySignalVerdict {
    this.#forged += 1;
    return { refused: reason };
  }

  #giveUp(): void {
    const must = this.#options.mustSeal();
    const forged = this.#forged === 0 ? '' : `; ${this.#forged} answers were forged`;
    const unfinished = `the key exchange did not finish within ${SEAL_WAIT_MS} ms${forged}`;
    if (this.#peer !== undefined) this.#refuse(unfinished, { untrusted: this.#forged > 0, again: true });
    else if (must === undefined) {
      this.#silence = true;
      this.#plain(`the peer did not answer within ${SEAL_WAIT_MS} ms whether it seals`);
    } else this.#refuse(`the peer did not answer within ${SEAL_WAIT_MS} ms whether it seals, and ${must}`);
  }

  #plain(reason: string): void {
    this.#state = 'plain';
    this.#outputs.push({ kind: 'plain', reason });
  }

  #refuse(reason: string, { untrusted = false, again = false } = {}): void {
    if (this.#state === 'refused') return;
    this.#state = 'refused';
    this.#outputs.push({ kind: 'refused', reason, untrusted, again });
  }

  #say(asks = false): void {
    const { crypto, mustSeal, role } = this.#options;
    const { ephemeral, identity } = crypto;
    const of = this.#peer?.ephemeral;
    const signature = of === undefined || identity === undefined ? undefined : crypto.sign(proofBytes(role, this.#transcript));
    const tok = formatKeyToken({ kind: 'key', ephemeral, identity, required: mustSeal() !== undefined, asks, of, signature });
    this.#outputs.push({ kind: 'send', tok });
  }

  #transcriptWith({ ephemeral, identity }: EphemeralToken): Uint8Array {
    const { sid, role, self, peer, crypto } = this.#options;
    const ours: SealParty = { ...self, ephemeral: crypto.ephemeral, identity: crypto.identity };
    const theirs: SealParty = { ...peer, ephemeral, identity };
    return role === 'opener' ? sealTranscript(sid, ours, theirs) : sealTranscript(sid, theirs, ours);
  }
}

const NOTHING = new Uint8Array(0);
