// Our long-lived identity: an Ed25519 key in a file of ours, made on first use, and how keys are shown to people (as ssh shows them).
// Main thread.

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { HotlinkError } from '../../native-free/index.js';

const KEY_BYTES = 32;
/** The constant front of an Ed25519 public key in SubjectPublicKeyInfo (RFC 8410); the raw key follows. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

export interface IdentityKey {
  /** Raw, 32 bytes. */
  readonly publicKey: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
}

/**
 * Reads the key at `path`, or makes one there that only its owner may read.
 * @throws HotlinkError `ERR_HLNK_CONFIG` when it cannot be read or made, is no Ed25519 key, or may be read by others
 */
export function openIdentityKey(path: string): IdentityKey {
  try {
    let pem = readOrUndefined(path);
    if (pem === undefined) {
      makeKey(path);
      pem = readFileSync(path, 'utf8');
    }
    // Windows keeps no such bits: there the directory's access list, which the user's profile brings, is what protects it.
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) throw new Error(`others may read it; run chmod 600 ${path}`);
    const privateKey = createPrivateKey(pem);
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error('it is not an Ed25519 key in PEM');
    const publicKey = rawPublicKey(createPublicKey(privateKey));
    return { publicKey, sign: (bytes) => sign(null, bytes, privateKey) };
  } catch (error) {
    throw new HotlinkError('ERR_HLNK_CONFIG', `the identity key ${path} cannot be used: ${(error as Error).message}`, { cause: error });
  }
}

/** Whether `signature` over `bytes` is of this key. Never throws. */
export function verifyIdentity(identity: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, identity]), format: 'der', type: 'spki' });
    return verify(null, bytes, key, signature);
  } catch {
    return false;
  }
}

/** @returns e.g. `SHA256:8Zk…`, the hash of the raw public key */
export function identityFingerprint(identity: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(identity).digest('base64').replace(/=+$/, '')}`;
}

function makeKey(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
  // Written aside and linked: two programs that start at once end up with one key, and none reads half of one.
  const aside = `${path}.${process.pid}.tmp`;
  writeFileSync(aside, pem, { mode: 0o600 });
  chmodSync(aside, 0o600);
  try {
    linkSync(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function rawPublicKey(key: KeyObject): Uint8Array {
  const spki = key.export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(spki.length - KEY_BYTES));
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
