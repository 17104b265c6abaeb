// The primitives of the key exchange, all of Node's crypto: X25519 (RFC 7748), HKDF-SHA256 (RFC 5869), Ed25519 (RFC 8032). An ephemeral key
// lives as long as the object, which is one session's exchange. Main thread.

import { createHash, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync } from 'node:crypto';
import { type KeyCrypto, SEAL_MATERIAL_BYTES, type SealKeys, type SealRole, sealInfo } from '../../native-free/index.js';
import { type IdentityKey, verifyIdentity } from './identity-key.js';

const KEY_BYTES = 32;
/** The constant front of an X25519 public key in SubjectPublicKeyInfo (RFC 8410); the raw key follows. */
const SPKI_HEAD = Buffer.from('302a300506032b656e032100', 'hex');

/** @param identity ours; undefined without one */
export function newKeyCrypto(identity: IdentityKey | undefined): KeyCrypto {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return {
    ephemeral: new Uint8Array(spki.subarray(spki.length - KEY_BYTES)),
    identity: identity?.publicKey,
    sign(bytes) {
      return identity?.sign(bytes) ?? new Uint8Array(0);
    },
    verify: verifyIdentity,
    agree(peerEphemeral, transcript, role, epochs): SealKeys | undefined {
      try {
        const peerKey = createPublicKey({ key: Buffer.concat([SPKI_HEAD, peerEphemeral]), format: 'der', type: 'spki' });
        // OpenSSL refuses the public keys of small order, whose secret everybody knows.
        const secret = diffieHellman({ privateKey, publicKey: peerKey });
        const salt = createHash('sha256').update(transcript).digest();
        const material = (sender: SealRole, epoch: string): Uint8Array =>
          new Uint8Array(hkdfSync('sha256', secret, salt, sealInfo(sender, epoch), SEAL_MATERIAL_BYTES));
        const peerRole = role === 'opener' ? 'acceptor' : 'opener';
        return { send: material(role, epochs.send), open: material(peerRole, epochs.open) };
      } catch {
        return undefined;
      }
    },
  };
}
