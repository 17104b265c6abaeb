// What a stranger may send: every refusal has its reason, nothing throws, nothing costs more than its bytes. wire.md §1.3-1.4.
import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeEnvelope,
  decodeEnvelopeText,
  encodeEnvelope,
  type Message,
  MessageType,
  peekData,
} from '../../native-free/envelope/index.js';
import { oracleEncode } from './oracle-envelope.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const message = (frame: Uint8Array) => {
  const result = decodeEnvelope(frame);
  return result.ok ? result.message : result.reason;
};
const reason = (frame: Uint8Array) => {
  const result = decodeEnvelope(frame);
  return result.ok ? 'ok' : result.reason;
};

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

  it('a zero below zero is zero (found by the fuzzer)', () => {
    const read = decodeEnvelopeText('{"id":"x","typ":-0,"dat":{"ver":"v"}}');
    expect(read.ok && Object.is(read.message.typ, 0)).toBe(true);
    const data = decodeEnvelopeText('{"id":"x","typ":12,"dat":{"sid":"s","seq":-0,"pth":"p"}}');
    expect(data.ok && data.message.typ === 12 && Object.is(data.message.seq, 0)).toBe(true);
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

  it('megabytes of brackets or values are not even parsed; a long string is', () => {
    const inside = (json: string) => decodeEnvelopeText(`{"id":"x","typ":10,"dat":{"sid":"s","z":${json}}}`);
    const brackets = '['.repeat(4_000_000) + ']'.repeat(4_000_000);
    const startedMs = performance.now();
    for (let n = 0; n < 20; n += 1) expect(inside(brackets)).toEqual({ ok: false, reason: 'garbage' });
    // Parsed, each of them took more than a second.
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(inside(`[${'1,'.repeat(70_000)}1]`)).toEqual({ ok: false, reason: 'garbage' });
    expect(inside(`[${'1,'.repeat(60_000)}1]`).ok).toBe(true);
    expect(inside('['.repeat(60) + ']'.repeat(60)).ok).toBe(true);
    const text = JSON.stringify(`${'[{,'.repeat(500_000)}\\"\\\\`);
    expect(inside(text)).toMatchObject({ ok: true, message: { typ: 10, sid: 's' } });
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
          message(
            oracleEncode('x', 10, {
              before: encodable,
              sid: 'abcdefgh',
              after: [encodable, new Date(0), new Date(1), new Date(-1), 2 ** 40, -(2 ** 40), 0.5],
            }),
          ),
        ).toEqual({
          typ: 10,
          sid: 'abcdefgh',
        });
      }),
    );
  });
});
