// What own peers put in the `etag` and payload of their HLNK frames: stream framing, acknowledgements and credit.
// Upstream peers never see these (architecture.md, "Own peers"); a relay passes an etag through verbatim (wire.md 1.4).
//
//   etag, 12 ASCII bytes:   'h' '1' KIND '-' SSSSSSSS        KIND below, SSSSSSSS = stream id, 8 hex digits
//   sequenced kinds (seq >= 1): d data · e end (FIN) · x reset (payload: reason, UTF-8) · o open (the stream has no byte yet)
//   unsequenced kinds (seq 0):  a acknowledgement · p keep-alive, answered by an `a`
//   A payload is never empty, because the relay drops empty ones (wire.md 2.2): kinds without content carry one zero byte.
//
//   acknowledgement payload, big-endian:  u8 version=1 | u8 flags=0 | u16 n | u64 next expected seq | n x ( u32 stream | u64 limit )
//   `limit` is the total number of payload bytes the sender of that stream may have sent; both values are absolute, so an
//   acknowledgement that is lost, late or repeated does no harm.

export const OWN_ETAG_BYTES = 12;

export const OwnKind = { data: 0x64, end: 0x65, reset: 0x78, open: 0x6f, ack: 0x61, ping: 0x70 } as const;
export type OwnKindCode = (typeof OwnKind)[keyof typeof OwnKind];

const HEX = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** Writes the etag of a frame of our own. @param out at least {@link OWN_ETAG_BYTES} long @param stream 0…2^32-1 */
export function writeOwnEtag(out: Uint8Array, kind: OwnKindCode, stream: number): void {
  out[0] = 0x68;
  out[1] = 0x31;
  out[2] = kind;
  out[3] = 0x2d;
  for (let i = 0; i < 8; i += 1) out[4 + i] = HEX[(stream >>> (28 - 4 * i)) & 15] as number;
}

/** What {@link readOwnEtag} found; one object is reused per reader, so nothing is allocated per frame. */
export interface OwnEtag {
  kind: OwnKindCode;
  stream: number;
}

/** Reads an etag in place. @returns false when it is not one of ours; `into` is then unchanged */
export function readOwnEtag(message: Uint8Array, at: number, bytes: number, into: OwnEtag): boolean {
  if (bytes !== OWN_ETAG_BYTES || message[at] !== 0x68 || message[at + 1] !== 0x31 || message[at + 3] !== 0x2d) return false;
  const kind = message[at + 2] as number;
  if (!isOwnKind(kind)) return false;
  let stream = 0;
  for (let i = 0; i < 8; i += 1) {
    const digit = hexDigit(message[at + 4 + i] as number);
    if (digit < 0) return false;
    stream = stream * 16 + digit;
  }
  into.kind = kind;
  into.stream = stream;
  return true;
}

function isOwnKind(code: number): code is OwnKindCode {
  return code === 0x64 || code === 0x65 || code === 0x78 || code === 0x6f || code === 0x61 || code === 0x70;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
}

const ACK_VERSION = 1;
const ACK_HEAD_BYTES = 12;
const ACK_ENTRY_BYTES = 12;
/** Streams named by one acknowledgement; the rest go into the next one. */
export const ACK_MAX_STREAMS = 256;

/** @returns the payload of an acknowledgement. @param limits stream id and byte limit, alternating; at most {@link ACK_MAX_STREAMS} pairs */
export function encodeAck(nextSeq: number, limits: readonly number[]): Uint8Array {
  const count = limits.length >> 1;
  const out = new Uint8Array(ACK_HEAD_BYTES + count * ACK_ENTRY_BYTES);
  const view = new DataView(out.buffer);
  view.setUint8(0, ACK_VERSION);
  view.setUint16(2, count);
  setUint53(view, 4, nextSeq);
  for (let i = 0; i < count; i += 1) {
    view.setUint32(ACK_HEAD_BYTES + i * ACK_ENTRY_BYTES, limits[2 * i] as number);
    setUint53(view, ACK_HEAD_BYTES + i * ACK_ENTRY_BYTES + 4, limits[2 * i + 1] as number);
  }
  return out;
}

/**
 * Reads an acknowledgement.
 * @param limit called for each stream's byte limit
 * @returns the next sequence number the peer expects, or -1 when the payload is not an acknowledgement (then nothing was called)
 */
export function decodeAck(payload: Uint8Array, limit: (stream: number, bytes: number) => void): number {
  if (payload.length < ACK_HEAD_BYTES || payload[0] !== ACK_VERSION) return -1;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const count = view.getUint16(2);
  if (payload.length !== ACK_HEAD_BYTES + count * ACK_ENTRY_BYTES) return -1;
  const nextSeq = getUint53(view, 4);
  if (nextSeq < 1) return -1;
  for (let i = 0; i < count; i += 1) {
    const bytes = getUint53(view, ACK_HEAD_BYTES + i * ACK_ENTRY_BYTES + 4);
    if (bytes >= 0) limit(view.getUint32(ACK_HEAD_BYTES + i * ACK_ENTRY_BYTES), bytes);
  }
  return nextSeq;
}

function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 4, value >>> 0);
}

/** @returns -1 for a value that is not a safe integer */
function getUint53(view: DataView, at: number): number {
  const high = view.getUint32(at);
  return high > 0x1f_ffff ? -1 : high * 0x1_0000_0000 + view.getUint32(at + 4);
}
