// Envelopes written and read in every form, against the msgpack library. wire.md §1.3-1.4.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeEnvelope,
  decodeEnvelopeText,
  encodeDataEnvelope,
  encodeEnvelope,
  MessageType,
  peekData,
} from '../../native-free/envelope/index.js';
import { oracleDecode, oracleEncode } from './oracle-envelope.js';
import { anyMessage, document, text } from './oracle-messages.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const message = (frame: Uint8Array) => {
  const result = decodeEnvelope(frame);
  return result.ok ? result.message : result.reason;
};

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
