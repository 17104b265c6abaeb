// The slow, obvious HLNK codec that the fast one is tested against: DataView, slices, the whole stream in one array. wire.md §3.
import type { FrameVerdict } from '../../native-free/hlnk/index.js';

export interface PlainFrame {
  readonly path: string;
  readonly etag: string;
  readonly seq: number;
  readonly payload: Uint8Array;
}

const MAGIC = new TextEncoder().encode('HLNK');

export function oracleEncode({ path, etag, seq, payload }: PlainFrame): Uint8Array<ArrayBuffer> {
  const pathField = new TextEncoder().encode(path);
  const etagField = new TextEncoder().encode(etag);
  const header = new DataView(new ArrayBuffer(21));
  MAGIC.forEach((byte, i) => {
    header.setUint8(i, byte);
  });
  header.setUint8(4, 1);
  header.setUint16(5, pathField.length);
  header.setUint16(7, etagField.length);
  header.setUint32(9, payload.length);
  header.setBigUint64(13, BigInt(seq));
  return Uint8Array.from([...new Uint8Array(header.buffer), ...pathField, ...etagField, ...payload]);
}

export function oracleRead(message: Uint8Array): { verdict: FrameVerdict; frame?: PlainFrame; frameBytes?: number } {
  const bytes = Uint8Array.from(message);
  if (bytes.slice(0, 4).some((byte, i) => byte !== MAGIC[i])) return { verdict: 'bad-magic' };
  if (bytes.length > 4 && bytes[4] !== 1) return { verdict: 'bad-version' };
  if (bytes.length < 21) return { verdict: 'truncated' };
  const header = new DataView(bytes.buffer);
  const pathBytes = header.getUint16(5);
  const etagBytes = header.getUint16(7);
  const payloadBytes = header.getUint32(9);
  const seq = header.getBigUint64(13);
  if (pathBytes > 4096) return { verdict: 'path-too-long' };
  if (etagBytes > 128) return { verdict: 'etag-too-long' };
  if (payloadBytes > 16777216) return { verdict: 'payload-too-long' };
  if (seq > BigInt(Number.MAX_SAFE_INTEGER)) return { verdict: 'bad-seq' };
  const frameBytes = 21 + pathBytes + etagBytes + payloadBytes;
  if (bytes.length < frameBytes) return { verdict: 'truncated' };
  const frame = {
    path: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.slice(21, 21 + pathBytes)),
    etag: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.slice(21 + pathBytes, 21 + pathBytes + etagBytes)),
    seq: Number(seq),
    payload: bytes.slice(21 + pathBytes + etagBytes, frameBytes),
  };
  return { verdict: bytes.length > frameBytes ? 'trailing-bytes' : 'ok', frame, frameBytes };
}

/** Reads a whole stream at once, stepping byte by byte through noise and dropping the 21 bytes of a header that cannot be used. */
export function oracleStream(stream: Uint8Array): { frames: PlainFrame[]; skippedBytes: number; unfinishedBytes: number } {
  const frames: PlainFrame[] = [];
  let skippedBytes = 0;
  let at = 0;
  while (at < stream.length) {
    const rest = stream.slice(at);
    if (rest.slice(0, 4).some((byte, i) => byte !== MAGIC[i])) {
      at += 1;
      skippedBytes += 1;
      continue;
    }
    if (rest.length < 21) return { frames, skippedBytes, unfinishedBytes: rest.length };
    const { verdict, frame, frameBytes } = oracleRead(rest);
    if (verdict === 'truncated') return { frames, skippedBytes, unfinishedBytes: rest.length };
    if (frame === undefined || frameBytes === undefined) {
      at += 21;
      skippedBytes += 21;
      continue;
    }
    frames.push(frame);
    at += frameBytes;
  }
  return { frames, skippedBytes, unfinishedBytes: 0 };
}
