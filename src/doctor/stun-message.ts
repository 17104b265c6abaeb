// STUN and TURN messages, as far as a check needs them: requests with attributes and integrity, answers with addresses and errors
// (RFC 8489 §5, §14; RFC 8656 §7). Pure.
import { createHash, createHmac, randomBytes } from 'node:crypto';

const COOKIE = 0x2112a442;
const HEADER_BYTES = 20;

export const StunType = { binding: 0x0001, allocate: 0x0003, refresh: 0x0004 } as const;
export const StunAttribute = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  lifetime: 0x000d,
  realm: 0x0014,
  nonce: 0x0015,
  xorRelayedAddress: 0x0016,
  requestedTransport: 0x0019,
  xorMappedAddress: 0x0020,
  otherAddress: 0x802c,
} as const;

export interface StunAnswer {
  /** Success, or the error's number. */
  error: number | undefined;
  reason: string;
  attributes: ReadonlyMap<number, Buffer>;
  transaction: string;
}

export interface Endpoint {
  host: string;
  port: number;
}

export type Attribute = readonly [type: number, value: Buffer];

/** @param key of MESSAGE-INTEGRITY, where the request is to be signed */
export function stunRequest(type: number, attributes: readonly Attribute[], key?: Buffer): { bytes: Buffer; transaction: string } {
  const transaction = randomBytes(12);
  const body = attributes.map(([code, value]) => {
    const padded = Buffer.alloc(4 + ((value.length + 3) & ~3));
    padded.writeUInt16BE(code, 0);
    padded.writeUInt16BE(value.length, 2);
    value.copy(padded, 4);
    return padded;
  });
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUInt16BE(type, 0);
  head.writeUInt32BE(COOKIE, 4);
  transaction.copy(head, 8);
  const bodyBytes = body.reduce((sum, { length }) => sum + length, 0);
  // The length that is signed counts the signature already.
  head.writeUInt16BE(bodyBytes + (key === undefined ? 0 : 24), 2);
  const plain = Buffer.concat([head, ...body]);
  if (key === undefined) return { bytes: plain, transaction: transaction.toString('hex') };
  const signature = Buffer.alloc(24);
  signature.writeUInt16BE(StunAttribute.messageIntegrity, 0);
  signature.writeUInt16BE(20, 2);
  createHmac('sha1', key).update(plain).digest().copy(signature, 4);
  return { bytes: Buffer.concat([plain, signature]), transaction: transaction.toString('hex') };
}

/** Key of the long-term credential mechanism. */
export function longTermKey(user: string, realm: string, pass: string): Buffer {
  return createHash('md5').update(`${user}:${realm}:${pass}`).digest();
}

/** @returns undefined for what is no STUN answer */
export function parseStun(bytes: Buffer): StunAnswer | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32BE(4) !== COOKIE) return undefined;
  const type = bytes.readUInt16BE(0);
  // Class bits: 0x100 success, 0x110 error.
  if ((type & 0x0100) === 0) return undefined;
  const attributes = new Map<number, Buffer>();
  for (let at = HEADER_BYTES; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at + 2);
    if (at + 4 + length > bytes.length) break;
    attributes.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + length));
    at += 4 + ((length + 3) & ~3);
  }
  const failure = attributes.get(StunAttribute.errorCode);
  const error =
    (type & 0x0010) === 0
      ? undefined
      : failure === undefined || failure.length < 4
        ? 500
        : (failure[2] as number) * 100 + (failure[3] as number);
  return { error, reason: failure?.subarray(4).toString() ?? '', attributes, transaction: bytes.subarray(8, 20).toString('hex') };
}

/** An address attribute. @param masked XOR-…, as all but OTHER-ADDRESS are */
export function endpointOf(value: Buffer | undefined, transaction: string, masked = true): Endpoint | undefined {
  if (value === undefined || (value.length !== 8 && value.length !== 20)) return undefined;
  const mask = Buffer.alloc(16);
  mask.writeUInt32BE(COOKIE, 0);
  Buffer.from(transaction, 'hex').copy(mask, 4);
  const raw = Buffer.from(value.subarray(4)).map((byte, index) => (masked ? byte ^ (mask[index] as number) : byte));
  const port = value.readUInt16BE(2) ^ (masked ? COOKIE >>> 16 : 0);
  if (raw.length === 4) return { host: [...raw].join('.'), port };
  const groups = Array.from({ length: 8 }, (_, index) => (((raw[2 * index] as number) << 8) | (raw[2 * index + 1] as number)).toString(16));
  return { host: groups.join(':'), port };
}
