// What is written is read as the same: decode(encode(x)) = x for every format of our own that has no such test beside its oracle
// (envelopes: test/native-free/envelope-codec.test.ts; HLNK frames: hlnk-frame.test.ts).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import {
  decodeAck,
  decodePing,
  encodeAck,
  encodePing,
  type OwnEtag,
  OwnKind,
  readOwnEtag,
  writeOwnEtag,
} from '../../native-free/channel/own-wire.js';
import {
  encodeFrame,
  FrameView,
  formatCandidate,
  formatDescription,
  formatKeyToken,
  formatVoucher,
  parseAclFile,
  parseCandidate,
  parseDescription,
  parseKeyToken,
  parseMarker,
  parseVoucher,
  readDirectSignal,
  writeDirectSignal,
} from '../../native-free/index.js';
import { encodePreamble, fallbackName, parseFallbackName, readFallback, readPreamble } from '../../native-free/ipc/index.js';
import { parseConfigFile } from '../../src/config/file.js';
import { endpointOf, parseStun, StunAttribute, stunRequest } from '../../src/doctor/stun-message.js';
import { parseAclYaml } from '../../src/relay/acl-yaml.js';
import { answerStun } from '../../src/relay/stun.js';
import { greeting, readGreeting } from '../../workers/direct/greeting.js';
import { Seal } from '../../workers/lanes/seal.js';

const hex = (digits: number) => fc.string({ minLength: digits, maxLength: digits, unit: fc.constantFrom(...'0123456789abcdef') });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const uint = (max: number) => fc.integer({ min: 0, max });
const uint53 = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER));
const plain = (value: object): unknown => JSON.parse(JSON.stringify(value));

describe('own frames', () => {
  it('acknowledgements', () => {
    fc.assert(
      fc.property(
        uint53,
        uint(2 ** 32 - 1),
        uint(2 ** 32 - 1),
        fc.array(fc.tuple(uint(2 ** 32 - 1), uint53), { maxLength: 256 }),
        (seq, answersPing, missingFrames, limits) => {
          const ack = { nextSeq: Math.max(1, seq), answersPing, missingFrames };
          const read: number[] = [];
          expect(decodeAck(encodeAck(ack, limits.flat()), (stream, limit) => read.push(stream, limit))).toEqual(ack);
          expect(read).toEqual(limits.flat());
        },
      ),
    );
  });

  it('pings and etags', () => {
    fc.assert(
      fc.property(uint(2 ** 32 - 1), fc.constantFrom(...Object.values(OwnKind)), (id, kind) => {
        expect(decodePing(encodePing(id))).toBe(id);
        const [etag, read] = [new Uint8Array(12), { kind: OwnKind.data, stream: 0 } as OwnEtag];
        writeOwnEtag(etag, kind, id);
        expect(readOwnEtag(etag, 0, 12, read)).toBe(true);
        expect(read).toEqual({ kind, stream: id });
      }),
    );
  });

  it('sealed frames, once each', () => {
    fc.assert(
      fc.property(bytes(36), bytes(36), fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 }), (a, b, payloads) => {
        const [one, other] = [new Seal({ send: a, open: b }), new Seal({ send: b, open: a })];
        for (const payload of payloads) {
          const frame = encodeFrame(Buffer.from('a/b'), Buffer.from('h1d-00000001'), 7, payload);
          const sealed = new Uint8Array(one.sealedBytes(frame));
          one.seal(frame, sealed, 0);
          expect(Buffer.from(other.open(sealed) as Uint8Array).equals(frame)).toBe(true);
          expect(other.open(sealed)).toBe('repeat');
        }
      }),
    );
  });
});

describe('local IPC', () => {
  it('preambles, fallback files and their names', () => {
    fc.assert(
      fc.property(
        hex(12),
        hex(8),
        fc.integer({ min: 1, max: 10 ** 14 }),
        fc.uint8Array({ maxLength: 200 }),
        (run, sender, number, payload) => {
          const view = new FrameView();
          const preamble = encodePreamble(run, number);
          expect(view.read(preamble)).toBe('ok');
          expect(readPreamble(view)).toEqual({ run, base: number });
          const frame = encodeFrame(Buffer.from('a@x.io/f'), Buffer.from('e'), number, payload);
          const file = readFallback(Buffer.concat([preamble, frame]));
          expect([file?.preamble, Buffer.from(file?.frame ?? [])]).toEqual([{ run, base: number }, Buffer.from(frame)]);
          expect(parseFallbackName(fallbackName(sender, run, number))).toMatchObject({ sender, run, number });
        },
      ),
    );
  });
});

describe('signals', () => {
  const party = fc.record({
    token: hex(32),
    fingerprint: hex(64),
    addresses: fc.array(
      fc.oneof(
        fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`),
        fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `[${host}]:${port}`),
      ),
      { maxLength: 8 },
    ),
  });

  it('of direct lanes, and their greeting', () => {
    fc.assert(
      fc.property(party, hex(32), fc.boolean(), (who, re, isOffer) => {
        const signal = isOffer ? ({ kind: 'offer', party: who } as const) : ({ kind: 'answer', party: who, re } as const);
        const { tok, adr, err } = writeDirectSignal(signal);
        expect(readDirectSignal(tok, adr, err)).toEqual(signal);
        expect(readGreeting(greeting(who.token))).toBe(who.token);
      }),
    );
  });

  it('of the key exchange', () => {
    const maybe = (length: number) => fc.option(bytes(length), { nil: undefined });
    fc.assert(
      fc.property(
        bytes(32),
        maybe(32),
        maybe(32),
        maybe(64),
        fc.boolean(),
        fc.boolean(),
        (ephemeral, identity, of, signature, required, asks) => {
          const token = { kind: 'key', ephemeral, identity, required, asks, of, signature } as const;
          expect(parseKeyToken(formatKeyToken(token))).toEqual(
            Object.fromEntries(Object.entries(token).filter(([, value]) => value !== undefined)),
          );
          if (identity !== undefined && signature !== undefined)
            expect(parseVoucher(['203.0.113.1:5', formatVoucher({ identity, signature })])).toEqual({ identity, signature });
        },
      ),
    );
  });

  it('of WebRTC', () => {
    const line = fc.string({
      minLength: 1,
      maxLength: 60,
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), line, fc.constantFrom('offer', 'answer'), (lines, candidate, type) => {
        const sdp = lines.join('\r\n');
        expect(parseDescription(formatDescription(type, sdp), type)).toBe(sdp);
        expect(parseDescription(formatDescription(type, sdp), type === 'offer' ? 'answer' : 'offer')).toBeUndefined();
        expect(parseCandidate(formatCandidate(`candidate:${candidate}`, '0'))).toEqual({ candidate: `candidate:${candidate}`, mid: '0' });
      }),
    );
  });
});

describe('STUN', () => {
  it('tells whoever asks its address', () => {
    fc.assert(
      // With its last 32 bits in dots no system shows an IPv6 address that a packet can come from.
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6().filter((text) => !text.includes('.')),
        ),
        fc.integer({ min: 1, max: 65_535 }),
        (address, port) => {
          const { bytes: question, transaction } = stunRequest(1, []);
          const answer = parseStun(Buffer.from(answerStun(question, address, port) ?? []));
          expect([answer?.transaction, answer?.error]).toEqual([transaction, undefined]);
          const endpoint = endpointOf(answer?.attributes.get(StunAttribute.xorMappedAddress), transaction);
          const host = (text: string): string => new URL(`http://${text.includes(':') ? `[${text}]` : text}`).hostname;
          expect([host(endpoint?.host ?? ''), endpoint?.port]).toEqual([host(address), port]);
        },
      ),
    );
  });
});

describe('files', () => {
  const email = fc.tuple(hex(5), hex(5)).map(([name, host]) => `${name}@${host}.org`);

  it('markers', () => {
    fc.assert(
      fc.property(email, email, fc.integer({ min: 1, max: 65_535 }), uint(99), uint(99), (from, other, port, first, second) => {
        const to = `x${other}`;
        const result = parseMarker(
          JSON.stringify({ from, to, ports: { [from]: port } }),
          `${from}/f/${first}_to_${second}/stream.tcp`,
          from,
        );
        expect(result).toMatchObject({ ok: true, marker: { from, to, self: from, peer: to, port, firstPid: first, secondPid: second } });
      }),
    );
  });

  it('ACL files, as YAML and as JSON', () => {
    const access = fc.record({
      read: fc.array(email, { maxLength: 3 }),
      write: fc.array(email, { maxLength: 3 }),
      admin: fc.array(email, { maxLength: 3 }),
    });
    const file = fc.record({
      terminal: fc.boolean(),
      rules: fc.array(fc.record({ pattern: fc.constantFrom('**', 'a/*', '*.txt', 'b/**/c'), access }), { maxLength: 4 }),
    });
    fc.assert(
      fc.property(file, email, fc.constantFrom('a/x', 'y.txt', 'b/q/c', 'z'), (value, user, path) => {
        const verdicts = [
          parseAclFile(value),
          parseAclYaml(Buffer.from(stringify(value))),
          parseAclYaml(Buffer.from(JSON.stringify(value))),
        ].map((parsed) => {
          if (!parsed.ok) return parsed.reason;
          const { terminal, rules } = parsed.ruleset;
          return [
            terminal,
            rules.map((rule) => [
              rule.pattern,
              rule.matches(path, user),
              rule.grants(user, 'read'),
              rule.grants(value.rules[0]?.access.write[0] ?? '', 'write'),
            ]),
          ];
        });
        expect(verdicts[1]).toEqual(verdicts[0]);
        expect(verdicts[2]).toEqual(verdicts[0]);
        expect(typeof verdicts[0]).not.toBe('string');
      }),
    );
  });

  it('configuration', () => {
    const values = fc.record(
      {
        email,
        server: fc.constant('http://127.0.0.1:8080'),
        threads: fc.integer({ min: 1, max: 8 }),
        mtu: fc.oneof(fc.integer({ min: 576, max: 4096 }), fc.constant('auto')),
        p2pOnly: fc.boolean(),
        lanes: fc.constantFrom(['direct'], ['webrtc', 'relay']),
        channels: fc.array(fc.record({ peer: email, name: hex(4), listen: fc.constant('127.0.0.1:0') }), { maxLength: 3 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(values, (value) => {
        expect(plain(parseConfigFile(stringify(value), 'hotlink.yaml'))).toEqual(plain(value));
        expect(plain(parseConfigFile(JSON.stringify(value), 'hotlink.json'))).toEqual(plain(value));
      }),
    );
  });
});
