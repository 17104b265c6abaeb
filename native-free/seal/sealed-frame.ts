// A sealed frame: an HLNK frame whose payload is another one, encrypted whole, so that stream, kind, sequence number and path of what goes on
// are inside. Outside are what the relay's envelope wants: the path of the session, an etag that is always the same, and the counter in place
// of a sequence number. It is the nonce's second half, so it never repeats under one key. Any thread.
//
//   HLNK head │ seq = counter, from 1 │ path │ etag "h1s-00000000" │ payload = ciphertext of a whole HLNK frame │ tag, 16 bytes
//
//   AES-256-GCM. Key material per direction, 36 bytes: key (32) │ salt (4).  Nonce, 12 bytes: salt │ counter as u64, big-endian.
//   Material = HKDF-SHA256(secret = X25519(our ephemeral, theirs), salt = SHA-256(sealTranscript), info = sealInfo(who sends, its epoch))

import type { FrameView } from '../hlnk/index.js';
import { joinFields } from './fields.js';
import type { SealRole } from './transcript.js';

export const SEAL_ETAG = new TextEncoder().encode('h1s-00000000');
export const SEAL_KEY_BYTES = 32;
export const SEAL_SALT_BYTES = 4;
export const SEAL_MATERIAL_BYTES = SEAL_KEY_BYTES + SEAL_SALT_BYTES;
export const SEAL_NONCE_BYTES = 12;
export const SEAL_TAG_BYTES = 16;

/** Key material of one session's two directions, as one side uses it. */
export interface SealKeys {
  /** Key and salt for what we send. */
  send: Uint8Array;
  /** Key and salt for what we receive. */
  open: Uint8Array;
}

/** HKDF's info for the direction in which `sender` sends. */
export function sealInfo(sender: SealRole, epoch: string): Uint8Array<ArrayBuffer> {
  return joinFields(['hotlink relay lane 1', sender, epoch]);
}

/** Reads a sealed frame's outside. @returns false for a frame that is not sealed, or not one */
export function readSealed(view: FrameView, message: Uint8Array): boolean {
  return view.read(message) === 'ok' && view.etagIs(SEAL_ETAG) && view.seq >= 1 && view.payloadBytes > SEAL_TAG_BYTES;
}

/** Writes the nonce of one frame. @param nonce {@link SEAL_NONCE_BYTES} long, with the salt in front already */
export function writeNonce(nonce: Uint8Array, counter: number): void {
  const high = Math.floor(counter / 0x1_0000_0000);
  for (let i = 0; i < 4; i += 1) {
    nonce[4 + i] = high >>> (24 - 8 * i);
    nonce[8 + i] = counter >>> (24 - 8 * i);
  }
}
