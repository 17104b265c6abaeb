// STUN, from both sides: questions that anybody may send to a relay, answers that anybody may send to the doctor. RFC 8489.
import { endpointOf, parseStun, StunAttribute, stunRequest } from '../../../src/doctor/stun-message.js';
import { answerStun, parseAddress } from '../../../src/relay/stun.js';
import { bytesOf, type FuzzDecoder, hold, textOf } from '../decoder.js';

const COOKIE = '\x21\x12\xa4\x42';

export const stunQuestion: FuzzDecoder = {
  name: 'stun-question',
  what: 'datagrams at the relay’s STUN responder, and addresses as the system shows them',
  maxBytes: 256,
  words: [COOKIE, '\x00\x01\x00\x00', '::ffff:', '127.0.0.1', 'fe80::1%eth0'],
  seeds: () => [
    stunRequest(1, []).bytes,
    stunRequest(1, [[0x8022, Buffer.from('abcd')]]).bytes,
    bytesOf('::ffff:10.0.0.1'),
    bytesOf('2001:db8::1'),
  ],
  check(input) {
    for (const [address, bytes] of [
      ['127.0.0.1', 4],
      ['2001:db8::7', 16],
    ] as const) {
      const answer = answerStun(input, address, 40_000);
      if (answer === undefined) continue;
      hold(answer.length <= input.length * 2.2, 'an answer is at most 2.2 times its question');
      const read = parseStun(Buffer.from(answer));
      hold(read !== undefined && read.error === undefined, 'our own reader takes the answer');
      const endpoint = endpointOf(read.attributes.get(StunAttribute.xorMappedAddress), read.transaction);
      hold(endpoint?.port === 40_000 && parseAddress(endpoint.host)?.length === bytes, 'and finds the address in it');
    }
    const raw = parseAddress(textOf(input));
    if (raw !== undefined) hold(raw.length === 4 || raw.length === 16, 'an address has 4 or 16 bytes');
  },
};

export const stunAnswer: FuzzDecoder = {
  name: 'stun-answer',
  what: 'answers of STUN and TURN servers',
  maxBytes: 512,
  words: [COOKIE, '\x01\x01', '\x01\x11', '\x00\x20\x00\x08\x00\x01', '\x00\x09\x00\x04', '\x00\x16\x00\x08'],
  seeds: () => {
    const question = stunRequest(1, []).bytes;
    const refused = stunRequest(0x0113, [
      [StunAttribute.errorCode, Buffer.from('\x00\x00\x04\x01Unauthorized', 'latin1')],
      [StunAttribute.realm, Buffer.from('x.io')],
    ]).bytes;
    return [answerStun(question, '10.0.0.1', 5) as Uint8Array, answerStun(question, '2001:db8::1', 5) as Uint8Array, refused];
  },
  check(input) {
    const answer = parseStun(Buffer.from(input.buffer, input.byteOffset, input.byteLength));
    if (answer === undefined) return;
    hold(answer.transaction.length === 24, 'a transaction is 12 bytes');
    for (const value of answer.attributes.values()) {
      for (const masked of [true, false]) {
        const endpoint = endpointOf(value, answer.transaction, masked);
        if (endpoint !== undefined) hold(endpoint.port >= 0 && endpoint.port <= 65_535 && endpoint.host !== '', 'an endpoint has a port');
      }
    }
  },
};
