// Random messages of every kind, and what the msgpack library has to be given to write the same bytes. wire.md §1.4, §2.2.
import fc from 'fast-check';
import type { Message } from '../../native-free/envelope/index.js';

export const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.string({ maxLength: 300 }));
const some = text.filter((value) => value !== '');
const payloadOf = (size: fc.Arbitrary<number>) => size.map((length) => Uint8Array.from({ length }, (_, i) => i));
const payload = payloadOf(fc.nat(300));
/** Every width that a bin header has. */
export const anyPayload = payloadOf(fc.oneof(fc.nat(300), fc.constantFrom(0, 255, 256, 65535, 65536)));
export const seq = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1));
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
/** Drops undefined keys: the types say absent, not undefined. */
const shaped = (value: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as unknown as Message;

export const anyMessage: fc.Arbitrary<Message> = fc
  .oneof(
    fc.record({ typ: fc.constant(9), sid: text, pth: text, frm: optional(some), to: optional(some) }),
    fc.record({ typ: fc.constant(10), sid: text }),
    fc.record({ typ: fc.constantFrom(11, 13), sid: text, rsn: optional(some) }),
    fc.record({ typ: fc.constant(12), sid: text, seq, pth: text, etg: optional(some), pay: payload }),
    fc.record({
      typ: fc.constant(14),
      sid: text,
      knd: text,
      adr: optional(fc.array(text, { minLength: 1, maxLength: 20 })),
      tok: optional(some),
      err: optional(some),
    }),
    fc.record({ typ: fc.constant(0), ver: text, msg: text }),
    fc.record({ typ: fc.constant(1), cod: fc.oneof(fc.integer(), fc.maxSafeInteger()), pth: text, msg: text }),
    fc.record({
      typ: fc.constantFrom(2, 7),
      pth: text,
      etg: text,
      len: fc.oneof(fc.integer({ min: -300 }), fc.maxSafeInteger()),
      con: payload,
    }),
    fc.record({ typ: fc.constant(3), pth: text }),
    fc.record({ typ: fc.constant(4), oid: text }),
    fc.record({ typ: fc.constant(5), oid: text, err: text }),
  )
  .map(shaped);

const goNames: Readonly<Record<string, string>> = {
  ver: 'SystemVersion',
  msg: 'Message',
  cod: 'Code',
  pth: 'Path',
  etg: 'ETag',
  len: 'Length',
  con: 'Content',
  oid: 'OriginalId',
  err: 'Error',
};

/** The message as the object the msgpack library is given: msgpack's key names, empty optional bytes left out. */
export function document(value: Message): Record<string, unknown> {
  const { typ, ...rest } = value as Message & Record<string, unknown>;
  const entries = Object.entries(rest).filter(([key, v]) => !((key === 'pay' || key === 'con') && (v as Uint8Array).length === 0));
  return Object.fromEntries(entries.map(([key, v]) => [typ < 9 ? goNames[key] : key, v]));
}
