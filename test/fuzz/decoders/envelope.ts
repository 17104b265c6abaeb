// The relay's messages: what a relay takes from any client, and a client from its relay. wire.md §1.3, §1.4.
import { deepStrictEqual } from 'node:assert';
import {
  type Decoded,
  decodeEnvelope,
  decodeEnvelopeText,
  type EnvelopeFormat,
  encodeEnvelope,
  type Message,
  peekData,
} from '../../../native-free/envelope/index.js';
import { plainData } from '../../../src/relay/plain-data.js';
import { bytesOf, type FuzzDecoder, hold, textOf } from '../decoder.js';

const SID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const PTH = 'a@x.io/_mpc/0_to_1/stream.tcp.request';
const MESSAGES: readonly Message[] = [
  { typ: 0, ver: '0.5.0', msg: 'ok' },
  { typ: 1, cod: 404, pth: PTH, msg: 'no such file' },
  { typ: 2, pth: 'a@x.io/syft.pub.yaml', etg: 'e', len: 3, con: Uint8Array.of(1, 2, 3) },
  { typ: 3, pth: PTH },
  { typ: 4, oid: 'a1b2c3' },
  { typ: 5, oid: 'a1b2c3', err: 'denied' },
  { typ: 7, pth: PTH, etg: 'e', len: 2 ** 40, con: new Uint8Array(0) },
  { typ: 9, sid: SID, pth: PTH, frm: 'a@x.io', to: 'b@x.io' },
  { typ: 10, sid: SID },
  { typ: 11, sid: SID, rsn: 'permission denied' },
  { typ: 12, sid: SID, seq: 2 ** 40 + 7, pth: PTH, etg: 'h1d-00000001', pay: Uint8Array.of(104, 105) },
  { typ: 13, sid: SID, rsn: 'fallback' },
  { typ: 14, sid: SID, knd: 'sdp_offer', adr: ['1.2.3.4:5', '[::1]:6'], tok: '{"type":"offer","sdp":"v=0"}', err: 'none' },
];
const FORMATS: readonly EnvelopeFormat[] = ['msgpack', 'msgpack-full', 'msgpack-rust', 'json'];
const WORDS = [
  'id',
  'typ',
  'dat',
  'sid',
  'seq',
  'pth',
  'etg',
  'pay',
  'knd',
  'adr',
  'tok',
  'err',
  'rsn',
  'frm',
  'to',
  'Path',
  'Content',
  'OriginalId',
];
const CODES = [
  '\xc0',
  '\xc4\x02hi',
  '\xcf\x00\x20\x00\x00\x00\x00\x00\x00',
  '\xdd\xff\xff\xff\xff',
  '\xdf\xff\xff\xff\xff',
  '\xc6\xff\xff\xff\xff',
  '\xa3',
];

export const envelope: FuzzDecoder = {
  name: 'envelope',
  what: 'binary messages of the relay: msgpack in every dialect, JSON behind the prefix, and the three readers that must agree',
  maxBytes: 1024,
  words: [...WORDS, ...CODES, 'SB\x01\x01', 'SB\x01\x00'],
  seeds: () => [
    ...MESSAGES.flatMap((message) => FORMATS.slice(0, 3).map((format) => encodeEnvelope('a1b2c3', message, format) as Uint8Array)),
    ...prefixed(),
  ],
  check(input) {
    const decoded = decodeEnvelope(input);
    const peek = peekData(input);
    const isMsgpackData = decoded.ok && decoded.message.typ === 12 && input[0] === 0x53 && input[3] === 1;
    hold((peek !== undefined) === isMsgpackData, 'peekData reads exactly the Data that decodeEnvelope reads');
    if (peek !== undefined && decoded.ok && decoded.message.typ === 12) {
      const { sid, seq, pay } = decoded.message;
      hold(
        peek.sid === sid && peek.seq === seq && peek.payBytes === (pay?.length ?? 0),
        'peekData sees the same session, number and payload',
      );
    }
    const plain = plainData(Buffer.from(input.buffer, input.byteOffset, input.byteLength))?.sid;
    // Bytes beyond ASCII never name a session: the relay's store has none of that kind.
    if (plain !== undefined && /^[\x21-\x7e]*$/.test(plain))
      hold(
        decoded.ok && decoded.message.typ === 12 && decoded.message.sid === plain,
        'what the relay passes on unread means the same to its reader',
      );
    if (decoded.ok) roundTrip(decoded);
  },
};

export const envelopeText: FuzzDecoder = {
  name: 'envelope-text',
  what: 'text messages of the relay: JSON',
  maxBytes: 1024,
  words: [...WORDS.map((word) => `"${word}":`), 'null', '[', '{', '"aGk="', '1e400', '9007199254740993', '\\u0000', '\\ud800'],
  seeds: () => MESSAGES.map((message) => bytesOf(encodeEnvelope('a1b2c3', message, 'json') as string)),
  check(input) {
    const decoded = decodeEnvelopeText(textOf(input));
    if (decoded.ok) roundTrip(decoded);
  },
};

/** Whatever was read can be written in every dialect, and is read as the same again. */
function roundTrip({ id, message }: Decoded): void {
  for (const format of FORMATS) {
    if ('raw' in message && (message.encoding === 'json') !== (format === 'json')) continue;
    const written = encodeEnvelope(id, message, format);
    const again = typeof written === 'string' ? decodeEnvelopeText(written) : decodeEnvelope(written);
    hold(again.ok, `what was read can be written as ${format} and read again`);
    // Lone surrogates, which JSON can say and UTF-8 cannot, become U+FFFD.
    if (typeof written === 'string' || isWellFormed(id, message)) deepStrictEqual(plain(again.message), plain(message));
  }
}

/** Views of different buffers compare by their bytes. */
function plain(message: Message): unknown {
  return Object.fromEntries(
    Object.entries(message).map(([key, value]) => [key, value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value]),
  );
}

function isWellFormed(id: string, message: Message): boolean {
  return [id, ...Object.values(message).flat()].every((value) => typeof value !== 'string' || !/\p{Surrogate}/u.test(value));
}

function prefixed(): Uint8Array[] {
  return MESSAGES.slice(7).map((message) =>
    Buffer.concat([Buffer.from('SB\x01\x00', 'latin1'), Buffer.from(encodeEnvelope('x', message, 'json') as string)]),
  );
}
