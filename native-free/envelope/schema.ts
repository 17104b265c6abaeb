// What keys each message has, in the order they are written, and how each dialect spells an empty one.
// One table drives both encodings, both ways. wire.md §1.4, §2.2. Any thread; constant.
import { encodeUtf8 } from './utf8.js';

/** `uint` is a uint64 and `int64` an int64 in Go, which writes both at full width; `int` it writes short. */
export type FieldKind = 'text' | 'texts' | 'bin' | 'uint' | 'int' | 'int64';

/**
 * `required`: its absence is a verdict. `optional`: absent when empty (but a `bin` reads as no bytes). `zero`: absence reads as
 * the empty value, as in Go.
 */
export type FieldPresence = 'required' | 'optional' | 'zero';

export interface Field {
  /** the property in this program and the key in JSON */
  readonly name: string;
  /** the key in msgpack: Go's field name where Go has no tag for it */
  readonly key: string;
  readonly keyBytes: Uint8Array;
  readonly kind: FieldKind;
  readonly presence: FieldPresence;
  /** Whether an empty value is a nil in Go (a slice without an omit tag) and in Rust (an `Option`). Rust refuses nil elsewhere. */
  readonly nilInGo: boolean;
  readonly nilInRust: boolean;
}

interface Habits {
  readonly key?: string;
  readonly nilInGo?: boolean;
  readonly nilInRust?: boolean;
}

function field(name: string, kind: FieldKind, presence: FieldPresence, habits: Habits = {}): Field {
  const key = habits.key ?? name;
  return { name, key, keyBytes: encodeUtf8(key), kind, presence, nilInGo: habits.nilInGo ?? false, nilInRust: habits.nilInRust ?? false };
}

const sid = field('sid', 'text', 'required');
const pth = field('pth', 'text', 'required');
const rsn = field('rsn', 'text', 'optional');

const fileFields: readonly Field[] = [
  field('pth', 'text', 'required', { key: 'Path' }),
  field('etg', 'text', 'zero', { key: 'ETag' }),
  field('len', 'int64', 'zero', { key: 'Length' }),
  field('con', 'bin', 'optional', { key: 'Content', nilInGo: true, nilInRust: true }),
];

const fieldsByType: ReadonlyMap<number, readonly Field[]> = new Map<number, readonly Field[]>([
  [0, [field('ver', 'text', 'zero', { key: 'SystemVersion' }), field('msg', 'text', 'zero', { key: 'Message' })]],
  [
    1,
    [
      field('cod', 'int', 'zero', { key: 'Code' }),
      field('pth', 'text', 'zero', { key: 'Path' }),
      field('msg', 'text', 'zero', { key: 'Message' }),
    ],
  ],
  [2, fileFields],
  [3, [field('pth', 'text', 'required', { key: 'Path' })]],
  [4, [field('oid', 'text', 'zero', { key: 'OriginalId' })]],
  [5, [field('oid', 'text', 'zero', { key: 'OriginalId' }), field('err', 'text', 'zero', { key: 'Error' })]],
  [7, fileFields],
  [9, [sid, pth, field('frm', 'text', 'optional', { nilInRust: true }), field('to', 'text', 'optional', { nilInRust: true })]],
  [10, [sid]],
  [11, [sid, rsn]],
  [
    12,
    [sid, field('seq', 'uint', 'required'), pth, field('etg', 'text', 'optional'), field('pay', 'bin', 'optional', { nilInRust: true })],
  ],
  [13, [sid, rsn]],
  [
    14,
    [
      sid,
      field('knd', 'text', 'required'),
      field('adr', 'texts', 'optional'),
      field('tok', 'text', 'optional'),
      field('err', 'text', 'optional'),
    ],
  ],
]);

/** The keys of a message type, or undefined for one that is kept as it came (ACLManifest and unknown numbers). */
export function fieldsOf(typ: number): readonly Field[] | undefined {
  return fieldsByType.get(typ);
}

/** Addresses in one Signal. Upstream sends three; more than this is not a signal but a load. */
export const MAX_TEXTS = 256;

/** Message numbers are a uint16 in Go. */
export const MAX_TYPE = 0xffff;
