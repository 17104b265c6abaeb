// HLNK frames of one data channel message, written and read plainly. wire.md 3.1, 3.4.

export function hlnkFrame(path: string, etag: string, seq: number, payload: Uint8Array): Uint8Array {
  const head = Buffer.alloc(21);
  head.write('HLNK', 0, 'latin1');
  head[4] = 1;
  head.writeUInt16BE(Buffer.byteLength(path), 5);
  head.writeUInt16BE(Buffer.byteLength(etag), 7);
  head.writeUInt32BE(payload.length, 9);
  head.writeBigUInt64BE(BigInt(seq), 13);
  return Buffer.concat([head, Buffer.from(path), Buffer.from(etag), payload]);
}

/** One frame; what follows it in the message is ignored. */
export function readHlnk(message: Uint8Array): { path: string; etag: string; seq: number; payload: Uint8Array } | undefined {
  const bytes = Buffer.from(message);
  if (bytes.length < 21 || bytes.toString('latin1', 0, 4) !== 'HLNK' || bytes[4] !== 1) return undefined;
  const pathEnd = 21 + bytes.readUInt16BE(5);
  const etagEnd = pathEnd + bytes.readUInt16BE(7);
  const end = etagEnd + bytes.readUInt32BE(9);
  if (bytes.length < end) return undefined;
  const text = (from: number, to: number): string => bytes.toString('utf8', from, to);
  return {
    path: text(21, pathEnd),
    etag: text(pathEnd, etagEnd),
    seq: Number(bytes.readBigUInt64BE(13)),
    payload: bytes.subarray(etagEnd, end),
  };
}
