// Message ids: how ours are built, and what a peer's id tells about its program.
// The relay hands ids on unchanged, so an id recognises an own peer without a round trip. wire.md §2.1. Any thread.
import { HotlinkError } from '../errors.js';

/** Every message id of this program starts with it; the digit is the version of the id's layout. */
export const OWN_ID_PREFIX = 'hl1-';
/** The same for one that wants to be treated as an upstream peer: it says which machine it is on, and no more. */
export const PLAIN_ID_PREFIX = 'hl0-';

/** What a message id says of its sender. */
export type Fingerprint = ReturnType<typeof fingerprint>;

/**
 * The constant part of message ids, which says what runs where: `host` names the machine, `instance` this run of the program, in 8 lowercase hex digits.
 * @remarks `hl1-<host>-<instance>-`; not `recognisable`: for one that wants to be treated as an upstream peer.
 * @throws HotlinkError `ERR_HLNK_INTERNAL` for other digits
 */
export function ownIdStem(host: string, instance: string, recognisable = true): string {
  if (!EIGHT_HEX.test(host) || !EIGHT_HEX.test(instance)) {
    throw new HotlinkError(
      'ERR_HLNK_INTERNAL',
      `message ids take 8 lowercase hex digits for host and instance, got "${host}" and "${instance}"`,
    );
  }
  return `${recognisable ? OWN_ID_PREFIX : PLAIN_ID_PREFIX}${host}-${instance}-`;
}

/** One message id, from its stem and a random unsigned 32-bit number. */
export function ownId(stem: string, random: number): string {
  return stem + (random >>> 0).toString(16).padStart(8, '0');
}

/**
 * What kind of program wrote a message, judged by its id: a hint, never a proof.
 * @remarks Anybody can write any id. `ownPeers` false: our own kind is not to be told from any other.
 */
export function fingerprint(
  messageId: string,
  ownPeers = true,
):
  | { readonly kind: 'hotlink'; readonly host: string; readonly instance: string }
  | { readonly kind: 'go' }
  | { readonly kind: 'rust' }
  /** The machine where it is told, which says how large the peer's datagrams may be, not what it understands. */
  | { readonly kind: 'unknown'; readonly host?: string } {
  const own = OWN_ID.exec(messageId);
  if (own !== null) {
    const host = own[2]!;
    return ownPeers && own[1] === '1' ? { kind: 'hotlink', host, instance: own[3]! } : { kind: 'unknown', host };
  }
  if (GO_ID.test(messageId)) return { kind: 'go' };
  if (RUST_ID.test(messageId)) return { kind: 'rust' };
  return { kind: 'unknown' };
}

const EIGHT_HEX = /^[0-9a-f]{8}$/;
const OWN_ID = /^hl([01])-([0-9a-f]{8})-([0-9a-f]{8})-[0-9a-f]{8}$/;
const GO_ID = /^[0-9a-f]{6}$/;
const RUST_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
