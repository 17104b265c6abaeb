// The slow, obvious envelope codec that the hand-written one is tested against: objects through the msgpack library. wire.md §1.3-1.4.
import { decode, encode } from '@msgpack/msgpack';

const PREFIX = [0x53, 0x42, 0x01, 0x01];

/** Shortest integers, the object's own key order; undefined leaves a key out. */
export function oracleEncode(id: unknown, typ: unknown, dat: unknown): Uint8Array<ArrayBuffer> {
  const document = encode(dat, { ignoreUndefined: true });
  return Uint8Array.from([...PREFIX, ...encode({ id, typ, dat: document })]);
}

/** The two documents as plain objects, or undefined when the library refuses either. */
export function oracleDecode(frame: Uint8Array): { id: unknown; typ: unknown; dat: unknown } | undefined {
  try {
    const envelope = decode(frame.slice(4)) as { id: unknown; typ: unknown; dat: Uint8Array };
    return { id: envelope.id, typ: envelope.typ, dat: decode(envelope.dat) };
  } catch {
    return undefined;
  }
}
