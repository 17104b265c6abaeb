// Which ICE servers this relay tells a client to use, and with which TURN credentials (wire §5.5). With a shared secret each client gets
// credentials of its own for a limited time: the user name is `<expiry, Unix seconds>:<e-mail>`, the password base64(HMAC-SHA1(secret, user
// name)), which coturn (`use-auth-secret`) and other TURN servers check without being told (draft-uberti-behave-turn-rest).
// Invariant: the secret itself is handed to nobody and logged nowhere.
import { createHmac } from 'node:crypto';
import type { RelaySettings } from './options.js';

/** What one client is told. */
export interface IceAdvert {
  readonly iceServers: readonly string[];
  readonly turnUser?: string;
  readonly turnPass?: string;
  /** For how long the credentials are good, seconds; absent when they do not expire. */
  readonly turnTtlSeconds?: number;
}

/** A day: an upstream Rust client keeps the first credentials it was given for as long as it runs. */
const TTL_SECONDS = 86_400;

/** @param nowMs wall clock */
export function mintTurnCredentials(
  email: string,
  secret: string,
  ttlSeconds: number,
  nowMs: number,
): { turnUser: string; turnPass: string } {
  const turnUser = `${Math.floor(nowMs / 1000) + ttlSeconds}:${email}`;
  return { turnUser, turnPass: createHmac('sha1', secret).update(turnUser).digest('base64') };
}

/**
 * @param ownStun URL of this relay's STUN responder as this client reaches it; undefined without one
 * @param nowMs wall clock
 */
export function iceAdvertFor(email: string, options: RelaySettings, ownStun: string | undefined, nowMs: number): IceAdvert {
  const { turnUser, turnPass, turnSecret, turnTtlSeconds = TTL_SECONDS } = options;
  const iceServers = options.iceServers ?? (ownStun === undefined ? [] : [ownStun]);
  if (turnSecret !== undefined) return { iceServers, ...mintTurnCredentials(email, turnSecret, turnTtlSeconds, nowMs), turnTtlSeconds };
  return { iceServers, ...(turnUser === undefined ? {} : { turnUser }), ...(turnPass === undefined ? {} : { turnPass }) };
}

/** As headers of the upgrade; the last one is ours, the others upstream's. */
export function iceHeaders({ iceServers, turnUser, turnPass, turnTtlSeconds }: IceAdvert): string[] {
  return [
    `X-Syft-Hotlink-Ice-Servers: ${iceServers.join(',')}`,
    ...(turnUser === undefined ? [] : [`X-Syft-Hotlink-Turn-User: ${turnUser}`]),
    ...(turnPass === undefined ? [] : [`X-Syft-Hotlink-Turn-Pass: ${turnPass}`]),
    ...(turnTtlSeconds === undefined ? [] : [`X-Syft-Hotlink-Turn-Ttl: ${turnTtlSeconds}`]),
  ];
}
