// Sealing and opening of a session's frames with its keys: AES-256-GCM of Node's crypto, one pass per frame. Lives as long as the session in
// this thread, longer than its relay lanes, so that a counter is never used twice. Layout in native-free/seal/sealed-frame.ts. Channel worker.

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { PATH_BYTES_AT } from '../../native-free/hlnk/constants.js';
import { FrameView, HEADER_BYTES, writeFrameHead } from '../../native-free/hlnk/index.js';
import {
  ReplayWindow,
  readSealed,
  SEAL_ETAG,
  SEAL_KEY_BYTES,
  SEAL_NONCE_BYTES,
  SEAL_TAG_BYTES,
  type SealKeys,
  writeNonce,
} from '../../native-free/seal/index.js';
import { copyInto } from '../memory.js';

/** Encrypted at a time: the cipher allocates its output, and up to here the allocator has it at hand (3.1 GB/s; 2.6 with a whole frame). */
const PIECE_BYTES = 32_768;

/** What became of an incoming frame: its content, or why there is none. `repeat`: harmless; `broken`: the relay lied. */
export type Opened = Uint8Array | 'repeat' | 'broken';

export class Seal {
  readonly #sendKey: Uint8Array;
  readonly #openKey: Uint8Array;
  readonly #sendNonce = new Uint8Array(SEAL_NONCE_BYTES);
  readonly #openNonce = new Uint8Array(SEAL_NONCE_BYTES);
  readonly #window = new ReplayWindow();
  readonly #view = new FrameView();
  #sent = 0;

  constructor({ send, open }: SealKeys) {
    this.#sendKey = send.subarray(0, SEAL_KEY_BYTES);
    this.#openKey = open.subarray(0, SEAL_KEY_BYTES);
    this.#sendNonce.set(send.subarray(SEAL_KEY_BYTES));
    this.#openNonce.set(open.subarray(SEAL_KEY_BYTES));
  }

  /** Bytes that a frame has once it is sealed. */
  sealedBytes(frame: Uint8Array): number {
    return HEADER_BYTES + pathBytes(frame) + SEAL_ETAG.length + frame.length + SEAL_TAG_BYTES;
  }

  /** Seals a whole frame of ours. @param out takes {@link sealedBytes} at `at`; may be shared memory, and so may the frame */
  seal(frame: Uint8Array, out: Uint8Array, at: number): void {
    // Counted first: whatever happens below, this number is used.
    this.#sent += 1;
    writeNonce(this.#sendNonce, this.#sent);
    const cipher = createCipheriv('aes-256-gcm', this.#sendKey, this.#sendNonce);
    const path = frame.subarray(HEADER_BYTES, HEADER_BYTES + pathBytes(frame));
    const payloadAt = at + HEADER_BYTES + path.length + SEAL_ETAG.length;
    writeFrameHead(out, payloadAt, frame.length + SEAL_TAG_BYTES, path, SEAL_ETAG, this.#sent);
    for (let done = 0; done < frame.length; done += PIECE_BYTES) {
      copyInto(out, cipher.update(frame.subarray(done, Math.min(frame.length, done + PIECE_BYTES))), payloadAt + done);
    }
    cipher.final();
    out.set(cipher.getAuthTag(), payloadAt + frame.length);
  }

  /** Opens what came through the relay. Never throws. @returns content in memory of its own */
  open(message: Uint8Array): Opened {
    const view = this.#view;
    if (!readSealed(view, message)) return 'broken';
    if (!this.#window.isFresh(view.seq)) return 'repeat';
    const tagAt = view.endAt - SEAL_TAG_BYTES;
    writeNonce(this.#openNonce, view.seq);
    const decipher = createDecipheriv('aes-256-gcm', this.#openKey, this.#openNonce);
    try {
      decipher.setAuthTag(message.subarray(tagAt, view.endAt));
      const content = decipher.update(message.subarray(view.payloadStart, tagAt));
      decipher.final();
      this.#window.mark(view.seq);
      return content;
    } catch {
      return 'broken';
    }
  }
}

/** The frame is our own core's: its head is right. */
function pathBytes(frame: Uint8Array): number {
  return ((frame[PATH_BYTES_AT] as number) << 8) | (frame[PATH_BYTES_AT + 1] as number);
}
