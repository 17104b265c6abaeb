// The envelope codec against its oracle and against strangers: dialects, missing and wrong fields, garbage. wire.md §1.3-1.4, §2.2.
import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeEnvelope,
  decodeEnvelopeText,
  encodeDataEnvelope,
  encodeEnvelope,
  type Message,
  MessageType,
  peekData,
} from '../../native-free/envelope/index.js';
import { oracleDecode, oracleEncode } from './oracle-envelope.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const reason = (frame: Uint8Array) => {
  const result = decodeEnvelope(frame);
  return result.ok ? 'ok' : result.reason;
};
const message = (frame: Uint8Array) => {
  const result = decodeEnvelope(frame);
  return result.ok ? result.message : result.reason;
};

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.string({ maxLength: 300 }));
const some = text.filter((value) => value !== '');
const size = fc.oneof(fc.nat(300), fc.constantFrom(0, 255, 256, 65535, 65536));
const payload = size.map((length) => Uint8Array.from({ length }, (_, i) => i));
const seq = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1));
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
/** Drops undefined keys: the types say absent, not undefined. */
const shaped = (value: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as unknown as Message;

const anyMessage: fc.Arbitrary<Message> = fc
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
function document(value: Message): Record<string, unknown> {
  const { typ, ...rest } = value as Message & Record<string, unknown>;
  const entries = Object.entries(rest).filter(([key, v]) => !((key === 'pay' || key === 'con') && (v as Uint8Array).length === 0));
  return Object.fromEntries(entries.map(([key, v]) => [typ < 9 ? goNames[key] : key, v]));
}

describe('writing and reading', () => {
  it('our own form is what the msgpack library writes', () => {
    fc.assert(
      fc.property(text, anyMessage, (id, value) => {
        const frame = encodeEnvelope(id, value, 'msgpack');
        expect(Buffer.compare(frame, oracleEncode(id, value.typ, document(value)))).toBe(0);
      }),
    );
  });

  it('every form reads back as the same message', () => {
    fc.assert(
      fc.property(text, anyMessage, (id, value) => {
        for (const format of ['msgpack', 'msgpack-full', 'msgpack-rust'] as const) {
          expect(decodeEnvelope(encodeEnvelope(id, value, format))).toEqual({ ok: true, id, message: value });
        }
        expect(decodeEnvelopeText(encodeEnvelope(id, value, 'json'))).toEqual({ ok: true, id, message: value });
      }),
    );
  });

  it('the library reads every dialect to the same values', () => {
    fc.assert(
      fc.property(text, anyMessage, (id, value) => {
        for (const format of ['msgpack-full', 'msgpack-rust'] as const) {
          const read = oracleDecode(encodeEnvelope(id, value, format))!;
          expect([read.id, read.typ]).toEqual([id, value.typ]);
          expect(read.dat).toMatchObject(document(value));
        }
      }),
    );
  });

  it('payloads are views into the frame', () => {
    const frame = encodeDataEnvelope('x', 'session-1', 1, 'p', '', bytes('hi'));
    const read = message(frame);
    expect(typeof read === 'object' && read.typ === MessageType.Data && read.pay.buffer === frame.buffer).toBe(true);
  });

  it('a frame in shared memory or at an offset reads the same', () => {
    const long = 'ä'.repeat(100);
    const frame = encodeDataEnvelope('x', long, 70_000, 'p', 's1', bytes('hi'));
    const shared = new Uint8Array(new SharedArrayBuffer(frame.length + 9), 9);
    shared.set(frame);
    expect(peekData(shared)).toEqual(peekData(frame));
    expect(message(shared)).toMatchObject({ sid: long, seq: 70_000, etg: 's1' });
  });

  it('a number that is not exact is refused before it is sent', () => {
    for (const bad of [-1, 1.5, 2 ** 53]) {
      const data = { typ: 12, sid: 's', seq: bad, pth: 'p', pay: bytes('hi') } as const;
      expect(() => encodeEnvelope('x', data, 'json')).toThrow(expect.objectContaining({ code: 'ERR_HLNK_INTERNAL' }));
      expect(() => encodeDataEnvelope('x', 's', bad, 'p', '', bytes('hi'))).toThrow(expect.objectContaining({ code: 'ERR_HLNK_INTERNAL' }));
    }
  });
});

describe('Data on the byte path', () => {
  it('is written byte for byte as the generic encoder does', () => {
    fc.assert(
      fc.property(text, text, seq, text, text, payload, (id, sid, number, pth, etg, pay) => {
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

describe('what a stranger may send', () => {
  it('the prefix decides first', () => {
    expect(reason(bytes(''))).toBe('bad-magic');
    expect(reason(bytes('hello'))).toBe('bad-magic');
    expect(reason(bytes('[1]'))).toBe('bad-magic');
    expect(reason(Uint8Array.of(0xff, 0xfe))).toBe('bad-magic');
    expect(reason(bytes('SB'))).toBe('garbage');
    expect(reason(Uint8Array.of(0x53, 0x42, 2, 1, 0x80))).toBe('bad-version');
    expect(reason(Uint8Array.of(0x53, 0x42, 1, 2, 0x80))).toBe('bad-encoding');
    expect(reason(Uint8Array.of(0x53, 0x42, 1, 1))).toBe('garbage');
    expect(reason(Uint8Array.of(0x53, 0x42, 1, 1, 0x80))).toBe('missing-field');
    expect(reason(Uint8Array.of(0x53, 0x42, 1, 1, 0x80, 0x00))).toBe('garbage');
    expect(reason(Uint8Array.of(0x53, 0x42, 1, 0, 0x7b))).toBe('garbage');
    expect(reason(bytes('{"id":"x","typ":10}'))).toBe('missing-field');
  });

  it('required keys that are missing or nil', () => {
    for (const dat of [
      {},
      { sid: null, seq: 1, pth: 'p' },
      { sid: 's', pth: 'p' },
      { sid: 's', seq: null, pth: 'p' },
      { sid: 's', seq: 1 },
    ]) {
      expect(reason(oracleEncode('x', 12, dat))).toBe('missing-field');
      expect(decodeEnvelopeText(JSON.stringify({ id: 'x', typ: 12, dat }))).toEqual({ ok: false, reason: 'missing-field' });
    }
    expect(reason(oracleEncode('x', 14, { sid: 's' }))).toBe('missing-field');
    expect(reason(oracleEncode(null, 10, { sid: 's' }))).toBe('missing-field');
    expect(reason(oracleEncode('x', null, { sid: 's' }))).toBe('missing-field');
  });

  it('keys of the wrong type', () => {
    const wrong: [number, Record<string, unknown>][] = [
      [10, { sid: 7 }],
      [10, { sid: { toString: 1 } }],
      [10, { sid: ['s'] }],
      [12, { sid: 's', seq: '1', pth: 'p' }],
      [12, { sid: 's', seq: -1, pth: 'p' }],
      [12, { sid: 's', seq: 1.5, pth: 'p' }],
      [12, { sid: 's', seq: 1, pth: 'p', pay: 5 }],
      [14, { sid: 's', knd: 'k', adr: 'a' }],
      [14, { sid: 's', knd: 'k', adr: [1] }],
      [14, { sid: 's', knd: 'k', adr: Array(257).fill('a') }],
      [14, { sid: 's', knd: 'k', tok: true }],
    ];
    for (const [typ, dat] of wrong) {
      expect(reason(oracleEncode('x', typ, dat))).toBe('bad-field');
      expect(decodeEnvelopeText(JSON.stringify({ id: 'x', typ, dat }))).toEqual({ ok: false, reason: 'bad-field' });
    }
    expect(reason(oracleEncode(7, 10, { sid: 's' }))).toBe('bad-field');
    expect(reason(oracleEncode('x', 70_000, { sid: 's' }))).toBe('bad-field');
    expect(reason(oracleEncode('x', -1, { sid: 's' }))).toBe('bad-field');
    expect(
      reason(Uint8Array.of(0x53, 0x42, 1, 1, 0x83, ...encode('id'), 0xa1, 0xff, ...encode('typ'), 10, ...encode('dat'), 0xc4, 0)),
    ).toBe('bad-field');
  });

  it('a sequence number over 2^53-1, in either encoding', () => {
    const frame = (value: bigint) => {
      const made = encodeEnvelope('x', { typ: 12, sid: 's', seq: 1, pth: 'p', pay: bytes('hi') }, 'msgpack-full');
      new DataView(made.buffer).setBigUint64(Buffer.from(made).indexOf(Buffer.from([0xcf])) + 1, value);
      return made;
    };
    expect(reason(frame((1n << 53n) - 1n))).toBe('ok');
    for (const value of [1n << 53n, (1n << 53n) + 1n, (1n << 64n) - 1n]) {
      expect(reason(frame(value))).toBe('bad-field');
      expect(decodeEnvelopeText(`{"id":"x","typ":12,"dat":{"sid":"s","seq":${value},"pth":"p"}}`)).toEqual({
        ok: false,
        reason: 'bad-field',
      });
    }
  });

  it('a Data without a payload is read, for the receiver to discard', () => {
    const expected = { typ: 12, sid: 's', seq: 1, pth: 'p', pay: new Uint8Array(0) };
    for (const pay of [undefined, null, new Uint8Array(0)])
      expect(message(oracleEncode('x', 12, { sid: 's', seq: 1, pth: 'p', pay }))).toEqual(expected);
    expect(decodeEnvelopeText('{"id":"x","typ":12,"dat":{"sid":"s","seq":1,"pth":"p","pay":null}}')).toEqual({
      ok: true,
      id: 'x',
      message: expected,
    });
  });

  it('the nested document as a str instead of a bin, as Go accepts it', () => {
    const nested = encode({ sid: 'abcdefgh' });
    const asStr = Uint8Array.from([
      0x53,
      0x42,
      1,
      1,
      0x83,
      ...encode('id'),
      ...encode('x'),
      ...encode('typ'),
      10,
      ...encode('dat'),
      0xa0 | nested.length,
      ...nested,
    ]);
    expect(message(asStr)).toEqual({ typ: 10, sid: 'abcdefgh' });
  });

  it('base64 that is not base64', () => {
    for (const pay of ['aGk', 'aGk*', 'a===', '====', 'aGl=', 'aG k', 'aGk=aGk=']) {
      expect(decodeEnvelopeText(JSON.stringify({ id: 'x', typ: 12, dat: { sid: 's', seq: 1, pth: 'p', pay } }))).toEqual({
        ok: false,
        reason: 'bad-field',
      });
    }
  });

  it('numbers without a shape here are kept as they came and can be sent on', () => {
    for (const typ of [6, 15, 65535]) {
      const frame = oracleEncode('x', typ, { anything: [1, 2] });
      const read = message(frame) as Extract<Message, { typ: -1 }>;
      expect([read.typ, read.wireTyp, read.encoding]).toEqual([-1, typ, 'msgpack']);
      expect(Buffer.compare(encodeEnvelope('x', read, 'msgpack'), frame)).toBe(0);
      expect(() => encodeEnvelope('x', read, 'json')).toThrow(expect.objectContaining({ code: 'ERR_HLNK_USAGE' }));
    }
    const json = '{"id":"x","typ":8,"dat":{"version":1,"acl_order":[]}}';
    const manifest = decodeEnvelopeText(json);
    expect(manifest).toMatchObject({ ok: true, message: { typ: MessageType.ACLManifest, encoding: 'json' } });
    if (!manifest.ok) return;
    expect(encodeEnvelope('x', manifest.message, 'json')).toBe(json);
    expect(() => encodeEnvelope('x', manifest.message, 'msgpack')).toThrow(expect.objectContaining({ code: 'ERR_HLNK_USAGE' }));
  });

  it('keys that JavaScript gives to every object are not fields', () => {
    expect(decodeEnvelopeText('{"id":"x","typ":10,"dat":{"__proto__":{"sid":"s"}}}')).toEqual({ ok: false, reason: 'missing-field' });
    const frame = Uint8Array.from([0x81, ...encode('__proto__'), ...encode({ sid: 's' })]);
    expect(reason(Uint8Array.from([0x53, 0x42, 1, 1, ...encode({ id: 'x', typ: 10, dat: frame })]))).toBe('missing-field');
  });

  it('headers that promise four billion items, and nesting without end, cost nothing', () => {
    const unknownKey = (value: Uint8Array) =>
      Uint8Array.from([0x53, 0x42, 1, 1, ...encode({ id: 'x', typ: 10, dat: Uint8Array.from([0x81, ...encode('x'), ...value]) })]);
    expect(reason(unknownKey(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff)))).toBe('garbage');
    expect(reason(unknownKey(Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff)))).toBe('garbage');
    expect(reason(unknownKey(Uint8Array.of(0xc6, 0xff, 0xff, 0xff, 0xff)))).toBe('garbage');
    expect(reason(unknownKey(new Uint8Array(60_000).fill(0x91)))).toBe('garbage');
    expect(reason(Uint8Array.from([0x53, 0x42, 1, 1, 0xdf, 0xff, 0xff, 0xff, 0xff]))).toBe('garbage');
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(decodeEnvelopeText(`{"id":"x","typ":6,"dat":${deep}}`)).toEqual({ ok: false, reason: 'garbage' });
  });

  it('random bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(2), (noise, kind) => {
        const inner = Uint8Array.from([0x53, 0x42, 1, 1, ...encode({ id: 'x', typ: 9 + (noise.length % 6), dat: noise })]);
        const frame = kind === 0 ? noise : kind === 1 ? Uint8Array.from([0x53, 0x42, 1, 1, ...noise]) : inner;
        expect(typeof decodeEnvelope(frame).ok).toBe('boolean');
        peekData(frame);
      }),
      { numRuns: 1000 },
    );
  });

  it('random text and random JSON never throw', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((dat) => `{"id":"x","typ":12,"dat":${dat}}`),
        ),
        (input) => {
          expect(typeof decodeEnvelopeText(input).ok).toBe('boolean');
        },
      ),
      { numRuns: 500 },
    );
  });

  it('an unknown value of any kind is stepped over exactly', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: false, maxDepth: 3 }), (value) => {
        const encodable = JSON.parse(JSON.stringify([value], (_, v) => (typeof v === 'bigint' ? Number(v) : v)));
        expect(
          message(oracleEncode('x', 10, { before: encodable, sid: 'abcdefgh', after: [encodable, new Date(0), 2 ** 40, -(2 ** 40), 0.5] })),
        ).toEqual({
          typ: 10,
          sid: 'abcdefgh',
        });
      }),
    );
  });
});
