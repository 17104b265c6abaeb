// Who is trusted to be whom: our identity key, the pinned keys of peers, and the judgement of what a peer shows. Certificates of lanes are
// vouched for here, so that a relay that swaps them in the signalling is found out. Without `pin` or `require` nobody has an identity, and
// everything passes. Main thread.

import { join } from 'node:path';
import { type CertificateClaim, certificateBytes, formatVoucher, HotlinkError, parseVoucher, sameBytes } from '../../native-free/index.js';
import type { IdentityMode } from '../options.js';
import { type IdentityKey, identityFingerprint, openIdentityKey, verifyIdentity } from './identity-key.js';
import { KnownPeers, type PinnedKey } from './known-peers.js';

/** Names of the two files. */
const KEY_FILE = 'hotlink_identity.pem';
const PEERS_FILE = 'known_peers';

/** @property forged wrong signature: the one who sent it does not hold the key, so only this message is refused, not the session */
export type IdentityRefusal = { reason: string; forged: boolean };

export class Identities {
  readonly mode: IdentityMode;
  readonly #directory: string | undefined;
  readonly #known: KnownPeers;
  #own: IdentityKey | undefined;
  /** A key was pinned for a peer. */
  readonly #pinned: (peer: string, fingerprint: string) => void;

  /** @param directory where key and pins are kept */
  constructor(mode: IdentityMode, directory: string | undefined, pinned: (peer: string, fingerprint: string) => void) {
    this.mode = mode;
    this.#directory = directory;
    this.#known = new KnownPeers(join(directory ?? '.', PEERS_FILE));
    this.#pinned = pinned;
  }

  /** Reads our key, or makes it. @throws HotlinkError `ERR_HLNK_CONFIG` */
  open(): void {
    if (this.mode === 'off') return;
    if (this.#directory === undefined)
      throw new HotlinkError('ERR_HLNK_CONFIG', `identity "${this.mode}" keeps keys in a directory: give a data directory too`);
    this.#own = openIdentityKey(join(this.#directory, KEY_FILE));
  }

  /** Ours; undefined without one. */
  get own(): IdentityKey | undefined {
    return this.#own;
  }
  get fingerprint(): string | undefined {
    return this.#own === undefined ? undefined : identityFingerprint(this.#own.publicKey);
  }

  /** Why this peer must prove who it is; undefined when it need not. */
  mustProve(peer: string): string | undefined {
    if (this.mode === 'off') return undefined;
    const pinned = this.#known.find(peer);
    if (pinned !== undefined) return `an identity key of ${peer} is pinned (${this.#place(pinned)})`;
    return this.mode === 'require' ? 'an identity key is required of every peer here' : undefined;
  }

  /**
   * Judges an identity that was proved by a signature, or its absence; pins it when it is the peer's first.
   * @returns why it is refused, in a sentence that says what to do
   */
  judge(peer: string, identity: Uint8Array | undefined): string | undefined {
    if (this.mode === 'off') return undefined;
    if (identity === undefined) {
      const must = this.mustProve(peer);
      return must === undefined ? undefined : `${peer} shows no identity key, and ${must}`;
    }
    const shown = identityFingerprint(identity);
    const pinned = this.#known.find(peer);
    if (pinned === undefined) return this.#pin(peer, identity, shown);
    if (pinned.key === undefined) return `what is pinned for ${peer} cannot be read (${this.#place(pinned)})`;
    if (sameBytes(pinned.key, identity)) return undefined;
    return (
      `THE IDENTITY KEY OF ${peer} HAS CHANGED: ${identityFingerprint(pinned.key)} is pinned (${this.#place(pinned)}), ${shown} was shown. ` +
      'Either the peer made a new key, or the relay stands in between. If you know why it changed, remove that line'
    );
  }

  /** What goes with a certificate of ours to the peer; undefined without an identity. */
  vouch(claim: CertificateClaim): string | undefined {
    if (this.#own === undefined) return undefined;
    return formatVoucher({ identity: this.#own.publicKey, signature: this.#own.sign(certificateBytes(claim)) });
  }

  /**
   * Judges a certificate of the peer's by what came with it. A lane may use the certificate only if nothing is refused.
   * @param claim what the peer must have signed: its role and e-mail as signer, ours as peer
   * @param texts where its voucher is looked for: the `adr` of the Signal
   */
  check(claim: CertificateClaim, texts: readonly string[] | undefined): IdentityRefusal | undefined {
    if (this.mode === 'off') return undefined;
    const voucher = parseVoucher(texts);
    if (voucher === 'bad') return { reason: 'its voucher cannot be read', forged: true };
    if (voucher !== undefined && !verifyIdentity(voucher.identity, certificateBytes(claim), voucher.signature))
      return { reason: `the certificate of its ${claim.lane} lane is not the one that its identity key signed`, forged: true };
    const reason = this.judge(claim.signer, voucher?.identity);
    return reason === undefined ? undefined : { reason, forged: false };
  }

  #pin(peer: string, identity: Uint8Array, shown: string): string | undefined {
    try {
      this.#known.pin(peer, identity);
    } catch (error) {
      return `the identity key of ${peer} cannot be pinned: ${(error as Error).message}`;
    }
    this.#pinned(peer, shown);
    return undefined;
  }

  #place({ line }: PinnedKey): string {
    return line === 0 ? `${this.#known.path} cannot be read` : `${this.#known.path} line ${line}`;
  }
}
