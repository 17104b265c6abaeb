// What own peers put in the `etag` and payload of their HLNK frames: stream framing, acknowledgements, credit and pings.
// Upstream peers never see these (architecture.md, "Own peers"); a relay passes an etag through verbatim (wire.md 1.4).
//
//   etag, 12 ASCII bytes:   'h' '1' KIND '-' SSSSSSSS        KIND below, SSSSSSSS = stream id, 8 hex digits
//   sequenced kinds (seq >= 1): d data · e end (FIN) · x reset (payload: reason, UTF-8) · o open (the stream has no byte yet)
//   unsequenced kinds (seq 0):  a acknowledgement · p ping, answered by an `a`; with a stream id: bytes of that stream wait for credit
//   A payload is never empty, because the relay drops empty ones (wire.md 2.2): kinds without content carry one zero byte.
//
//   ping payload, big-endian:             u8 version=1 | u8 0 | u16 0 | u32 id (0: the answer need not name it)
//   acknowledgement payload, big-endian:  u8 version=1 | u8 0 | u16 n | u64 next expected seq | u32 id of the ping it answers, or 0 |
//                                         u32 frames missing at `next`, or 0 | n x ( u32 stream | u64 limit )
//   `limit` is the total number of payload bytes the sender of that stream may have sent. Every value is absolute, so an
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

const VERSION = 1;
const PING_BYTES = 8;
const ACK_HEAD_BYTES = 20;
const ACK_ENTRY_BYTES = 12;
/** Streams named by one acknowledgement; the rest go into the next one. */
export const ACK_MAX_STREAMS = 256;

/** @param id 0…2^32-1; the answer repeats it */
export function encodePing(id: number): Uint8Array {
  const out = new Uint8Array(PING_BYTES);
  out[0] = VERSION;
  new DataView(out.buffer).setUint32(4, id);
  return out;
}

/** @returns the ping's id, or -1 when the payload is not a ping */
export function decodePing(payload: Uint8Array): number {
  if (payload.length !== PING_BYTES || payload[0] !== VERSION) return -1;
  return new DataView(payload.buffer, payload.byteOffset, PING_BYTES).getUint32(4);
}

export interface Ack {
  /** Lowest sequence number that is missing: everything below has arrived. */
  nextSeq: number;
  /** Id of the latest ping that arrived when this answers one, else 0. */
  answersPing: number;
  /** Frames missing from `nextSeq` on, in front of one that is there; 0 when no hole is reported. */
  missingFrames: number;
}

/** @returns the payload of an acknowledgement. @param limits stream id and byte limit, alternating; at most {@link ACK_MAX_STREAMS} pairs */
export function encodeAck({ nextSeq, answersPing, missingFrames }: Ack, limits: readonly number[]): Uint8Array {
  const count = limits.length >> 1;
  const out = new Uint8Array(ACK_HEAD_BYTES + count * ACK_ENTRY_BYTES);
  const view = new DataView(out.buffer);
  view.setUint8(0, VERSION);
  view.setUint16(2, count);
  setUint53(view, 4, nextSeq);
  view.setUint32(12, answersPing);
  view.setUint32(16, missingFrames);
  for (let i = 0; i < count; i += 1) {
    view.setUint32(ACK_HEAD_BYTES + i * ACK_ENTRY_BYTES, limits[2 * i] as number);
    setUint53(view, ACK_HEAD_BYTES + i * ACK_ENTRY_BYTES + 4, limits[2 * i + 1] as number);
  }
  return out;
}

/**
 * Reads an acknowledgement.
 * @param limit called for each stream's byte limit
 * @returns undefined when the payload is not an acknowledgement; then nothing was called
 */
export function decodeAck(payload: Uint8Array, limit: (stream: number, bytes: number) => void): Ack | undefined {
  if (payload.length < ACK_HEAD_BYTES || payload[0] !== VERSION) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const count = view.getUint16(2);
  if (payload.length !== ACK_HEAD_BYTES + count * ACK_ENTRY_BYTES) return undefined;
  const nextSeq = getUint53(view, 4);
  if (nextSeq < 1) return undefined;
  for (let i = 0; i < count; i += 1) {
    const bytes = getUint53(view, ACK_HEAD_BYTES + i * ACK_ENTRY_BYTES + 4);
    if (bytes >= 0) limit(view.getUint32(ACK_HEAD_BYTES + i * ACK_ENTRY_BYTES), bytes);
  }
  return { nextSeq, answersPing: view.getUint32(12), missingFrames: view.getUint32(16) };
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
