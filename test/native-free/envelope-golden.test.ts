// Every golden envelope, both ways, each in the dialect it was written in. wire.md §1.7.
import { describe, expect, it } from 'vitest';
import {
  type Decoded,
  decodeEnvelope,
  decodeEnvelopeText,
  type EnvelopeFormat,
  encodeDataEnvelope,
  encodeEnvelope,
  type Message,
  peekData,
} from '../../native-free/envelope/index.js';
import { type EnvelopeVector, fromHex, toHex, vectors } from './oracle-vectors.js';

const jsonNames: Readonly<Record<string, string>> = { SystemVersion: 'ver', Message: 'msg' };

/** The message a vector stands for: nil and empty optional keys are absent. */
function messageOf({ wire, dat }: EnvelopeVector): Message {
  const message: Record<string, unknown> = { typ: wire.typ };
  for (const [key, value] of Object.entries(dat)) {
    if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) continue;
    message[jsonNames[key] ?? key] = key === 'pay' ? fromHex(value as string) : value;
  }
  return message as unknown as Message;
}

function formatOf(name: string): Exclude<EnvelopeFormat, 'json'> {
  if (name.includes('recommended')) return 'msgpack';
  return name.includes('Rust') ? 'msgpack-rust' : 'msgpack-full'; // the server is Go
}

describe('golden envelopes', () => {
  for (const vector of vectors.ws) {
    const message = messageOf(vector);
    it(`${vector.name}: read`, () => {
      expect(decodeEnvelope(fromHex(vector.hex))).toEqual({ ok: true, id: vector.wire.id, message });
    });
    it(`${vector.name}: written`, () => {
      expect(toHex(encodeEnvelope(vector.wire.id, message, formatOf(vector.name)))).toBe(vector.hex);
    });
    it(`${vector.name}: survives every other form`, () => {
      for (const format of ['msgpack', 'msgpack-full', 'msgpack-rust'] as const) {
        expect(decodeEnvelope(encodeEnvelope('x', message, format))).toEqual({ ok: true, id: 'x', message });
      }
      const text = encodeEnvelope('x', message, 'json');
      expect(decodeEnvelopeText(text)).toEqual({ ok: true, id: 'x', message });
      expect(decodeEnvelope(new TextEncoder().encode(text))).toEqual({ ok: true, id: 'x', message });
      expect(decodeEnvelope(Uint8Array.from([0x53, 0x42, 1, 0, ...new TextEncoder().encode(text)]))).toEqual({
        ok: true,
        id: 'x',
        message,
      });
    });
    if (message.typ !== 12) continue;
    it(`${vector.name}: peeked at`, () => {
      const frame = fromHex(vector.hex);
      const peek = peekData(frame)!;
      expect([peek.sid, peek.seq]).toEqual([message.sid, message.seq]);
      expect(frame.subarray(peek.payStart, peek.payStart + peek.payBytes)).toEqual(message.pay);
    });
  }

  it('the recommended Data is what the byte path writes', () => {
    const vector = vectors.ws.find(({ name }) => name.includes('recommended'))!;
    const { sid, seq, pth, etg, pay } = messageOf(vector) as Extract<Message, { typ: 12 }>;
    expect(toHex(encodeDataEnvelope(vector.wire.id, sid, seq, pth, etg ?? '', pay))).toBe(vector.hex);
  });
});

describe('JSON as upstream writes it', () => {
  const sid = '0123456789abcdef';
  const pth = 'a@x.io/_mpc/0_to_1/stream.tcp.request';
  const message = (text: string) => (decodeEnvelopeText(text) as Decoded).message;

  it('Open with a target', () => {
    const text = `{"id":"a1b2c3","typ":9,"dat":{"sid":"${sid}","pth":"${pth}","to":"b@x.io"}}`;
    expect(message(text)).toEqual({ typ: 9, sid, pth, to: 'b@x.io' });
    expect(encodeEnvelope('a1b2c3', message(text), 'json')).toBe(text);
  });

  it('Data with base64', () => {
    const text = `{"id":"a1b2c3","typ":12,"dat":{"sid":"${sid}","seq":1,"pth":"${pth}","etg":"s1","pay":"aGk="}}`;
    expect(message(text)).toEqual({ typ: 12, sid, seq: 1, pth, etg: 's1', pay: new TextEncoder().encode('hi') });
    expect(encodeEnvelope('a1b2c3', message(text), 'json')).toBe(text);
  });

  it('Signal with empty keys', () => {
    const tok = '{"type":"offer","sdp":"v=0\\r\\n"}';
    const text = `{"id":"a1b2c3","typ":14,"dat":{"sid":"${sid}","knd":"sdp_offer","adr":[],"tok":${JSON.stringify(tok)},"err":""}}`;
    expect(message(text)).toEqual({ typ: 14, sid, knd: 'sdp_offer', tok });
  });
});
