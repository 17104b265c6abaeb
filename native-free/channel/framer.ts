// Heads of outgoing frames: path, etag and sequence number in front of a payload that is already in place. Knows which kind of peer reads
// them. Nothing is allocated for a data frame. wire.md 3.1 and own-wire.ts. Channel worker.

import { headRoomBytes, writeFrameHead } from '../hlnk/index.js';
import { OWN_ETAG_BYTES, type OwnKindCode, writeOwnEtag } from './own-wire.js';

/** Upstream etags: `s`, nine base-36 digits of the sequence number, `-`, five of the session's salt. Unique, so a Go peer never dedupes. */
const UPSTREAM_ETAG_BYTES = 16;
const BASE36 = Uint8Array.from('0123456789abcdefghijklmnopqrstuvwxyz', (digit) => digit.charCodeAt(0));

export class Framer {
  /** Bytes that windows keep free in front of every payload. */
  readonly headRoomBytes: number;
  /** False toward an upstream peer. */
  own = true;
  readonly #ownEtag = new Uint8Array(OWN_ETAG_BYTES);
  readonly #upstreamEtag = new Uint8Array(UPSTREAM_ETAG_BYTES);
  #path: Uint8Array;

  /** @param salt five base-36 characters that make this channel's upstream etags unlike any other's */
  constructor(path: Uint8Array, salt: string) {
    this.#path = path;
    this.headRoomBytes = headRoomBytes(path.length, UPSTREAM_ETAG_BYTES);
    for (let i = 0; i < 5; i += 1) this.#upstreamEtag[11 + i] = salt.charCodeAt(i);
    this.#upstreamEtag[0] = 0x73;
    this.#upstreamEtag[10] = 0x2d;
  }

  get path(): Uint8Array {
    return this.#path;
  }
  set path(path: Uint8Array) {
    this.#path = path;
  }

  /** False when the present path is longer than the one head-room was made for: then frames cannot be built in place. */
  get fitsHeadRoom(): boolean {
    return this.frameHeadBytes <= this.headRoomBytes;
  }
  /** What a frame adds to a payload, at most. */
  get frameHeadBytes(): number {
    return headRoomBytes(this.#path.length, UPSTREAM_ETAG_BYTES);
  }

  /** Writes the head so that it ends where the payload begins. @returns offset of the frame's first byte */
  write(out: Uint8Array, payloadAt: number, payloadBytes: number, kind: OwnKindCode, stream: number, seq: number): number {
    return writeFrameHead(out, payloadAt, payloadBytes, this.#path, this.#etag(kind, stream, seq), seq);
  }

  /** A whole frame of our own kind, with bytes of its own. */
  control(kind: OwnKindCode, stream: number, seq: number, payload: Uint8Array): Uint8Array {
    const head = headRoomBytes(this.#path.length, OWN_ETAG_BYTES);
    const out = new Uint8Array(head + payload.length);
    out.set(payload, head);
    writeOwnEtag(this.#ownEtag, kind, stream);
    writeFrameHead(out, head, payload.length, this.#path, this.#ownEtag, seq);
    return out;
  }

  #etag(kind: OwnKindCode, stream: number, seq: number): Uint8Array {
    if (this.own) {
      writeOwnEtag(this.#ownEtag, kind, stream);
      return this.#ownEtag;
    }
    let rest = seq;
    for (let i = 9; i >= 1; i -= 1) {
      this.#upstreamEtag[i] = BASE36[rest % 36] as number;
      rest = Math.floor(rest / 36);
    }
    return this.#upstreamEtag;
  }
}
