// Envelopes as the Go and the Rust programs write and read them: the msgpack library alone, without this program's codec, so that they
// are an oracle of it. wire.md 1.3, 1.4, 2.2.
import { decode, encode } from '@msgpack/msgpack';

export type Fields = Record<string, unknown>;

/** One message: its id, its number and the nested document under the wire's own keys. */
export interface Wire {
  id: string;
  typ: number;
  dat: Fields;
}

export const Typ = { system: 0, fileWrite: 2, ack: 4, nack: 5, open: 9, accept: 10, reject: 11, data: 12, close: 13, signal: 14 } as const;

/** Keys of every document in the order of declaration; a server drops any other (wire.md 1.4). */
const KEYS: Readonly<Record<number, readonly string[]>> = {
  0: ['SystemVersion', 'Message'],
  2: ['Path', 'ETag', 'Length', 'Content'],
  4: ['OriginalId'],
  5: ['OriginalId', 'Error'],
  9: ['sid', 'pth', 'frm', 'to'],
  10: ['sid'],
  11: ['sid', 'rsn'],
  12: ['sid', 'seq', 'pth', 'etg', 'pay'],
  13: ['sid', 'rsn'],
  14: ['sid', 'knd', 'adr', 'tok', 'err'],
};
/** What Go leaves out when it is empty. */
const OPTIONAL = new Set(['frm', 'to', 'rsn', 'etg', 'pay', 'adr', 'tok', 'err']);
const JSON_KEYS: Readonly<Record<string, string>> = { SystemVersion: 'ver', Message: 'msg', OriginalId: 'oid', Error: 'err' };
const PREFIX = Uint8Array.from([0x53, 0x42, 1, 1]);

/** Go: integers at full width, empty optional keys left out, unknown keys gone. */
export function goFrame({ id, typ, dat }: Wire): Uint8Array {
  const document: Fields = {};
  for (const [key, value] of goEntries(typ, dat)) document[key] = typeof value === 'number' ? BigInt(value) : value;
  const nested = encode(document, { useBigInt64: true });
  const typBytes = Uint8Array.from([0xcd, typ >> 8, typ & 255]);
  return Buffer.concat([PREFIX, Uint8Array.of(0x83), encode('id'), encode(id), encode('typ'), typBytes, encode('dat'), encode(nested)]);
}

/** Go to a client that asked for JSON. */
export function goText({ id, typ, dat }: Wire): string {
  const document: Fields = {};
  for (const [key, value] of goEntries(typ, dat)) {
    document[JSON_KEYS[key] ?? key] = value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
  }
  return JSON.stringify({ id, typ, dat: document });
}

/** Rust: integers as short as they go, every key there, `nil` for absent names and empty text for the rest. */
export function rustFrame({ id, typ, dat }: Wire): Uint8Array {
  const document: Fields = {};
  for (const key of KEYS[typ] ?? []) document[key] = dat[key] ?? rustEmpty(key);
  return Buffer.concat([PREFIX, encode({ id, typ, dat: encode(document) })]);
}

/** Reads either dialect, and JSON in text or binary frames, as Go does: nil is empty. @returns undefined for what cannot be read */
export function read(frame: Uint8Array, binary: boolean): Wire | undefined {
  try {
    if (!binary) return fromJson(Buffer.from(frame).toString());
    if (frame[0] !== 0x53 || frame[1] !== 0x42 || frame[2] !== 1 || (frame[3] ?? 9) > 1) return undefined;
    if (frame[3] === 0) return fromJson(Buffer.from(frame.subarray(4)).toString());
    const outer = decode(frame.subarray(4)) as { id: string; typ: number; dat: Uint8Array | string };
    if (typeof outer.id !== 'string' || typeof outer.typ !== 'number') return undefined;
    const dat = typeof outer.dat === 'string' ? Buffer.from(outer.dat) : outer.dat;
    return { id: outer.id, typ: outer.typ, dat: decode(dat) as Fields };
  } catch {
    return undefined;
  }
}

const REQUIRED: Readonly<Record<number, readonly string[]>> = {
  9: ['sid', 'pth'],
  10: ['sid'],
  11: ['sid'],
  12: ['sid', 'seq', 'pth'],
  13: ['sid'],
  14: ['sid', 'knd'],
};

/** Reads as Rust does: `dat` must be bytes, required keys there, and nil is legal for `frm`, `to` and `pay` only. */
export function rustRead(frame: Uint8Array, binary: boolean): Wire | undefined {
  const wire = read(frame, binary);
  if (wire === undefined || wire.typ < Typ.open) return wire;
  const outer = binary && frame[3] === 1 ? (decode(frame.subarray(4)) as { dat: unknown }) : undefined;
  if (outer !== undefined && typeof outer.dat === 'string') return undefined;
  for (const key of REQUIRED[wire.typ] ?? []) if (wire.dat[key] === undefined) return undefined;
  for (const [key, value] of Object.entries(wire.dat)) if (value === null && !['frm', 'to', 'pay'].includes(key)) return undefined;
  return wire;
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
export const bytesOf = (value: unknown): Uint8Array => (value instanceof Uint8Array ? value : new Uint8Array(0));

function goEntries(typ: number, dat: Fields): [string, unknown][] {
  return (KEYS[typ] ?? [])
    .map((key): [string, unknown] => [key, dat[key]])
    .filter(([key, value]) => value !== undefined && value !== null && !(OPTIONAL.has(key) && isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  return value === '' || ((value instanceof Uint8Array || Array.isArray(value)) && value.length === 0);
}

function rustEmpty(key: string): unknown {
  if (key === 'frm' || key === 'to') return null;
  return key === 'adr' ? [] : '';
}

function fromJson(text: string): Wire | undefined {
  const { id, typ, dat } = JSON.parse(text) as Wire;
  if (typeof id !== 'string' || typeof typ !== 'number' || typeof dat !== 'object' || dat === null) return undefined;
  const names = Object.fromEntries(Object.entries(JSON_KEYS).map(([long, short]) => [short, long]));
  const document = Object.fromEntries(Object.entries(dat).map(([key, value]) => [typ < Typ.open ? (names[key] ?? key) : key, value]));
  if (typeof document['pay'] === 'string') document['pay'] = Uint8Array.from(Buffer.from(document['pay'], 'base64'));
  return { id, typ, dat: document };
}
