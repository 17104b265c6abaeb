// What peers say through the relay: descriptions and candidates, direct lanes, keys and vouchers.
import { deepStrictEqual } from 'node:assert';
import {
  CandidateFilter,
  type DirectSignal,
  formatCandidate,
  formatDescription,
  formatKeyToken,
  formatVoucher,
  KeyExchange,
  Negotiation,
  parseCandidate,
  parseDescription,
  parseKeyToken,
  parseVoucher,
  readDirectSignal,
  sdpCertificate,
  writeDirectSignal,
} from '../../../native-free/index.js';
import { parseAddress } from '../../../native-free/session/direct-signal.js';
import { SIGNAL_LIMITS } from '../../../native-free/session/tunables.js';
import { newKeyCrypto } from '../../../src/control/key-crypto.js';
import { isDialable } from '../../../workers/direct/dialable.js';
import { parseIceServers } from '../../../workers/lanes/ice-servers.js';
import { bytesOf, type FuzzDecoder, hold, linesOf, textOf } from '../decoder.js';
import { CANDIDATES, OFFER, SDP_WORDS } from './sdp-samples.js';

const TOKEN = '0123456789abcdef0123456789abcdef';
const FINGERPRINT = TOKEN + TOKEN;
const KINDS = ['sdp_offer', 'sdp_answer', 'ice_candidate', 'webrtc_error', 'quic_offer'];

/** Each line is a signal: the first letter chooses its kind, the rest is its token. */
export const negotiation: FuzzDecoder = {
  name: 'negotiation',
  what: 'WebRTC signals in any order: descriptions, candidates, errors',
  maxBytes: 2048,
  words: [...SDP_WORDS, '{"type":"offer","sdp":"', '{"candidate":"', '"sdpMid":', '\n0', '\n1', '\n2', '\n3'],
  seeds: () => [
    bytesOf(`0${formatDescription('offer', OFFER)}\n2${formatCandidate(CANDIDATES[0] as string, '0')}\n2${formatCandidate('', '0')}\n3`),
    bytesOf(`1${formatDescription('answer', OFFER)}\n2{"candidate":"a=candidate:1 1 UDP 1 1.2.3.4 5 typ host","sdpMid":""}`),
    bytesOf(
      `2${formatCandidate(CANDIDATES[1] as string, 'data')}\n0${formatDescription('offer', OFFER)}\n0${formatDescription('offer', OFFER.replace('ufrag:', 'ufrag:x'))}`,
    ),
  ],
  check(input) {
    const machine = new Negotiation({ role: (input[0] ?? 0) % 2 === 0 ? 'answerer' : 'offerer' });
    const filter = new CandidateFilter(
      [
        { name: 'eth0', address: '10.0.0.1', internal: false },
        { name: 'docker0', address: '172.17.0.1', internal: false },
      ],
      true,
    );
    machine.start(0);
    machine.handleLocalDescription(machine.role === 'offerer' ? 'offer' : 'answer', OFFER, 0);
    machine.handleTimeout(5000);
    let candidates = 0;
    let described = false;
    for (const [index, line] of textOf(input).split('\n').slice(0, 300).entries()) {
      const kind = KINDS[line.charCodeAt(0) % KINDS.length] as string;
      machine.handleSignal(kind, line.slice(1), line.slice(1), 5000 + index);
      for (let output = machine.poll(); output !== undefined; output = machine.poll()) {
        if (output.kind === 'set-remote') {
          hold(!described && output.sdp !== '', 'a description is set once');
          described = true;
          filter.strip(output.sdp);
          sdpCertificate(output.sdp);
        } else if (output.kind === 'add-candidate') {
          hold(described && !/[\r\n\0]/.test(output.candidate + output.mid), 'a candidate is one line and comes behind the description');
          filter.refuses(output.candidate);
          candidates += 1;
        }
      }
    }
    hold(candidates <= SIGNAL_LIMITS.maxCandidates + SIGNAL_LIMITS.maxQueuedCandidates, 'candidates are bounded');
    hold((machine.timeoutMs() ?? 0) < 60_000, 'an exchange ends');
    const tok = textOf(input);
    for (const type of ['offer', 'answer'] as const) {
      const sdp = parseDescription(tok, type);
      if (sdp !== undefined)
        hold(parseDescription(formatDescription(type, sdp), type) === sdp, 'a description that was read is written the same');
    }
    const candidate = parseCandidate(tok);
    if (typeof candidate === 'object')
      hold(parseCandidate(formatCandidate(candidate.candidate, '0')) !== undefined, 'a candidate that was read can be written');
  },
};

export const directSignal: FuzzDecoder = {
  name: 'direct-signal',
  what: 'offers and answers of direct lanes, and the addresses to dial',
  maxBytes: 512,
  words: [
    'offer.',
    'answer.',
    'off',
    TOKEN,
    FINGERPRINT,
    '127.0.0.1:',
    '[::ffff:127.0.0.1]:',
    '[fe80::1]:',
    '169.254.169.254:80',
    '0.0.0.0:',
    '999.',
  ],
  seeds: () => [
    bytesOf(`offer.${TOKEN}.${FINGERPRINT}\n10.0.0.1:9000\n[2001:db8::1]:9001`),
    bytesOf(`answer.${TOKEN}.${FINGERPRINT}.${TOKEN}\n127.0.0.1:80`),
    bytesOf('off\nno reason'),
  ],
  check(input) {
    const [tok = '', ...addresses] = textOf(input).split('\n');
    for (const text of addresses) {
      const address = parseAddress(text);
      if (address === undefined) continue;
      hold(address.port >= 1 && address.port <= 65_535 && /^[0-9a-f.:]+$/i.test(address.host), 'an address is digits and a port');
      const far = isDialable(address.host, false);
      hold(
        !far || !/^(127\.|0\.|169\.254\.|2[2-5]\d\.|::1$|::$|fe80:|ff)/i.test(address.host),
        'nothing but a peer’s own machine is dialled',
      );
    }
    const signal = readDirectSignal(tok, addresses, addresses[0]);
    if (signal === undefined) return;
    const fields = writeDirectSignal(signal);
    deepStrictEqual(readDirectSignal(fields.tok, fields.adr, fields.err), signal satisfies DirectSignal);
  },
};

/** A key exchange takes each line as a token. */
export const keyToken: FuzzDecoder = {
  name: 'key-token',
  what: 'key exchange and vouchers of the sealed relay lane',
  maxBytes: 2560,
  words: [
    '{"v":1,',
    '"eph":"',
    '"id":"',
    '"req":true',
    '"ask":true',
    '"of":"',
    '"sig":"',
    '"off":"',
    'hl1-voucher ',
    'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  ],
  seeds: () => {
    const [ephemeral, identity, signature] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2), new Uint8Array(64).fill(3)];
    const first = formatKeyToken({ kind: 'key', ephemeral, required: true, asks: true });
    const proof = formatKeyToken({ kind: 'key', ephemeral, identity, required: false, of: OURS.ephemeral, signature });
    const plain = formatKeyToken({ kind: 'key', ephemeral, required: false, of: OURS.ephemeral });
    return [
      first,
      `${first}\n${plain}`,
      `${first}\n${proof}`,
      formatKeyToken({ kind: 'off', reason: 'switched off' }),
      formatVoucher({ identity, signature }),
    ].map(bytesOf);
  },
  check(input) {
    const lines = textOf(input).split('\n').slice(0, 16);
    const exchange = new KeyExchange({
      sid: '0f8fad5b-d9cb-469f-a165-70867728950e',
      role: 'acceptor',
      self: { email: 'a@x.io', epoch: '0badc0de' },
      peer: { email: 'b@x.io', epoch: '0badc0df' },
      enabled: true,
      crypto: OURS,
      mustSeal: () => undefined,
      judge: () => undefined,
    });
    exchange.start(0);
    const ends: string[] = [];
    for (const line of lines) {
      exchange.handleSignal(line);
      for (let output = exchange.poll(); output !== undefined; output = exchange.poll()) if (output.kind !== 'send') ends.push(output.kind);
      const token = parseKeyToken(line);
      if (token !== undefined && token.kind === 'key') deepStrictEqual(parseKeyToken(formatKeyToken(token)), token);
      const voucher = parseVoucher([line]);
      if (typeof voucher === 'object') deepStrictEqual(parseVoucher([formatVoucher(voucher)]), voucher);
    }
    hold(['', 'sealed', 'plain', 'refused', 'plain refused'].includes(ends.join(' ')), `an exchange ends once: ${ends.join(' ')}`);
  },
};

const OURS = newKeyCrypto(undefined);

export const iceServers: FuzzDecoder = {
  name: 'ice-servers',
  what: 'ICE servers as a relay advertises them',
  maxBytes: 256,
  words: ['stun:', 'turn:', 'turns:', '?transport=udp', '[::1]', ':3478', '//', 'none', '@'],
  seeds: () => ['stun:stun.x.io:3478\nturn:turn.x.io:3478?transport=udp\nuser\npass', 'turns:[::1]:5349', 'none'].map(bytesOf),
  check(input) {
    const [first = '', second = '', user = '', pass = ''] = linesOf(input, 4);
    const { servers, used, warnings } = parseIceServers([first, second], user, pass);
    hold(servers.length === used.length && servers.length + warnings.length <= 2, 'each entry is used or warned of');
    for (const server of servers) hold(typeof server !== 'string' && !/[\s/?[\]]/.test(server.hostname), 'a host is a host');
  },
};
