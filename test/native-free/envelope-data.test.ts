// Data envelopes on the byte path are the generic codec, only faster. wire.md §1.4, §2.2.
import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEnvelope, encodeDataEnvelope, encodeEnvelope, peekData } from '../../native-free/envelope/index.js';
import { anyMessage, anyPayload, seq, text } from './oracle-messages.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const message = (frame: Uint8Array) => {
  const result = decodeEnvelope(frame);
  return result.ok ? result.message : result.reason;
};

describe('Data on the byte path', () => {
  it('is written byte for byte as the generic encoder does', () => {
    fc.assert(
      fc.property(text, text, seq, text, text, anyPayload, (id, sid, number, pth, etg, pay) => {
        const generic = encodeEnvelope(id, { typ: 12, sid, seq: number, pth, ...(etg === '' ? {} : { etg }), pay }, 'msgpack');
        expect(Buffer.compare(encodeDataEnvelope(id, sid, number, pth, etg, pay), generic)).toBe(0);
      }),
    );
  });

  function expectAgreement(frame: Uint8Array): void {
    const peek = peekData(frame);
    const read = message(frame);
    if (typeof read !== 'object' || read.typ !== 12) {
      expect(peek).toBeUndefined();
      return;
    }
    expect([peek?.sid, peek?.seq]).toEqual([read.sid, read.seq]);
    expect(Buffer.compare(frame.subarray(peek!.payStart, peek!.payStart + peek!.payBytes), read.pay)).toBe(0);
    expect(Buffer.from(frame.subarray(peek!.etgStart, peek!.etgStart + peek!.etgBytes)).toString()).toBe(read.etg ?? '');
  }

  it('a peek and the generic decoder agree on every dialect', () => {
    fc.assert(
      fc.property(text, anyMessage, fc.constantFrom('msgpack', 'msgpack-full', 'msgpack-rust'), (id, value, format) => {
        expectAgreement(encodeEnvelope(id, value, format as 'msgpack'));
      }),
    );
  });

  it('they agree on documents of any shape: keys missing, nil, twice, unknown, of the wrong type', () => {
    const odd = fc.oneof(
      fc.constant(null),
      fc.string({ maxLength: 5 }),
      fc.uint8Array({ maxLength: 5 }),
      fc.integer(),
      fc.maxSafeNat(),
      fc.boolean(),
      fc.double(),
      fc.array(fc.nat(), { maxLength: 3 }),
      fc.dictionary(fc.string(), fc.nat(), { maxKeys: 3 }),
    );
    const pair = fc.tuple(fc.constantFrom('sid', 'seq', 'pth', 'etg', 'pay', 'x', 'other'), odd);
    const usual = fc.constant<[string, unknown][]>([
      ['sid', 'abc'],
      ['seq', 1],
      ['pth', 'p'],
    ]);
    fc.assert(
      fc.property(fc.tuple(usual, fc.array(pair, { maxLength: 4 }), fc.boolean()), ([base, extra, first]) => {
        const pairs = first ? [...base, ...extra] : [...extra, ...base];
        const dat = Uint8Array.from([0x80 | pairs.length, ...pairs.flatMap(([key, value]) => [...encode(key), ...encode(value)])]);
        const frame = Uint8Array.from([0x53, 0x42, 1, 1, ...encode({ other: [1, { a: -1 }], id: 'x', typ: 12, dat })]);
        expectAgreement(frame);
      }),
      { numRuns: 500 },
    );
  });

  it('they agree on a Data with any one byte changed or the end cut off', () => {
    const frame = encodeEnvelope(
      'x1',
      { typ: 12, sid: 'session-1', seq: 300, pth: 'a@x.io/p', etg: 's300', pay: bytes('hi') },
      'msgpack-full',
    );
    for (let at = 0; at < frame.length; at++) {
      expectAgreement(frame.subarray(0, at));
      for (const byte of [0x00, 0x7f, 0x80, 0x93, 0xa3, 0xc0, 0xc1, 0xc6, 0xcf, 0xd3, 0xdb, 0xdd, 0xdf, 0xff]) {
        const changed = frame.slice();
        changed[at] = byte;
        expectAgreement(changed);
      }
    }
  });
});
