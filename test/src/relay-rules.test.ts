import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEnvelope, type EnvelopeFormat, encodeEnvelope } from '../../native-free/envelope/index.js';
import { plainData } from '../../src/relay/plain-data.js';
import { SessionStore } from '../../src/relay/sessions.js';
import { answerStun, parseAddress } from '../../src/relay/stun.js';

const PATH = 'a@x.io/d/stream.tcp.request';
const sid = (n: number) => `session-${n}`;

function store(maxSessionsPerUser = 3): SessionStore<{ user: string }> {
  return new SessionStore({
    mayRead: () => true,
    mayWrite: () => true,
    maxSessionsPerUser,
    maxSessions: 1000,
    maxPathBytes: 4096,
    ttlMs: 1000,
  });
}

describe('the number of sessions of a user', () => {
  it('is bounded: the oldest that nobody accepted makes room', () => {
    const sessions = store();
    const [a, b] = [{ user: 'a@x.io' }, { user: 'b@x.io' }];
    for (const n of [1, 2, 3]) sessions.open(a, sid(n), PATH, undefined);
    sessions.accept(b, sid(1));
    expect(sessions.open(a, sid(4), PATH, undefined)).toMatchObject({ sid: sid(4) });
    expect([1, 2, 3, 4].map((n) => sessions.get(sid(n)) !== undefined)).toEqual([true, false, true, true]);
    expect(sessions.evicted).toBe(1);
  });

  it('is bounded: with all in use a further open is refused, of other users not', () => {
    const sessions = store();
    const [a, b] = [{ user: 'a@x.io' }, { user: 'b@x.io' }];
    for (const n of [1, 2, 3]) {
      sessions.open(a, sid(n), PATH, undefined);
      sessions.accept(b, sid(n));
    }
    expect(sessions.open(a, sid(4), PATH, undefined)).toBe('over-limit');
    expect(sessions.open(b, sid(5), PATH, undefined)).toMatchObject({ opener: 'b@x.io' });
    expect(sessions.open(a, sid(3), PATH, undefined)).toMatchObject({ sid: sid(3) }); // the same one afresh is not one more
  });
});

describe('the sessions of a user who left', () => {
  it('are forgotten after a while, unless it comes back', () => {
    const sessions = store();
    const [gone, back] = [{ user: 'gone@x.io' }, { user: 'back@x.io' }];
    sessions.open(gone, sid(1), PATH, undefined);
    sessions.open(back, sid(2), PATH, undefined);
    sessions.disconnected(gone, true, 0);
    sessions.disconnected(back, true, 0);
    expect(sessions.get(sid(1))?.openerParty).toBeUndefined();
    sessions.expire(999);
    expect(sessions.size).toBe(2);
    sessions.connected('back@x.io');
    sessions.expire(1000);
    expect([sessions.get(sid(1)), sessions.get(sid(2))?.sid]).toEqual([undefined, sid(2)]);
    expect(sessions.expired).toBe(1);
  });

  it('stay while another connection of the user is up', () => {
    const sessions = store();
    const one = { user: 'a@x.io' };
    sessions.open(one, sid(1), PATH, undefined);
    sessions.disconnected(one, false, 0);
    sessions.expire(10_000);
    expect(sessions.size).toBe(1);
  });
});

describe('an open again under the same id', () => {
  it('starts the session afresh', () => {
    const sessions = store();
    const [a, b] = [{ user: 'a@x.io' }, { user: 'b@x.io' }];
    sessions.open(a, sid(1), PATH, undefined);
    sessions.accept(b, sid(1));
    sessions.open(a, sid(1), PATH, undefined);
    expect(sessions.get(sid(1))?.accepted.size).toBe(0);
    sessions.disconnected(b, true, 0);
    expect(sessions.size).toBe(1);
  });
});

describe('a plain data envelope', () => {
  const text = fc.string({ maxLength: 40 });
  const printable = fc.string({
    minLength: 8,
    maxLength: 40,
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  });
  const formats: EnvelopeFormat[] = ['msgpack', 'msgpack-full', 'msgpack-rust'];
  const envelope = fc
    .tuple(
      text,
      printable,
      fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      text,
      text,
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.constantFrom(...formats),
    )
    .map(([id, session, seq, pth, etg, pay, format]) => ({
      sid: session,
      frame: Buffer.from(encodeEnvelope(id, { typ: 12, sid: session, seq, pth, etg, pay }, format) as Uint8Array),
    }));

  it('is recognised in every dialect', () => {
    fc.assert(
      fc.property(envelope, ({ sid: session, frame }) => {
        expect(plainData(frame)?.sid).toBe(session);
      }),
    );
  });

  it('is never seen in what the decoder refuses or reads differently', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(envelope, damage, fc.nat({ max: 3 }), ({ frame }, changes, extra) => {
        const broken = Buffer.concat([frame, Buffer.alloc(extra)]);
        for (const [at, value] of changes) broken[at % broken.length] = value;
        const session = plainData(broken)?.sid;
        if (session === undefined) return;
        const decoded = decodeEnvelope(broken);
        // Bytes beyond ASCII never name a session: the store has none of that kind.
        if (/^[\x21-\x7e]*$/.test(session)) expect(decoded).toMatchObject({ ok: true, message: { typ: 12, sid: session } });
      }),
      { numRuns: 2000 },
    );
  });

  it('is nothing else', () => {
    for (const message of [
      { typ: 13, sid: sid(1) },
      { typ: 9, sid: sid(1), pth: PATH },
    ] as const) {
      expect(plainData(Buffer.from(encodeEnvelope('id', message, 'msgpack')))).toBeUndefined();
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => plainData(Buffer.from(bytes)) === undefined));
  });
});

describe('a STUN answer', () => {
  const question = Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex');

  it('is that of the test vectors of RFC 5769 for IPv4 and IPv6', () => {
    expect(Buffer.from(answerStun(question, '192.0.2.1', 32853) as Uint8Array).toString('hex')).toBe(
      '0101000c2112a442b7e7a701bc34d686fa87dfae' + '002000080001a147e112a643',
    );
    const address = '2001:db8:1234:5678:11:2233:4455:6677';
    expect(Buffer.from(answerStun(question, address, 32853) as Uint8Array).toString('hex')).toBe(
      '010100182112a442b7e7a701bc34d686fa87dfae' + '002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9',
    );
  });

  it('is given to nothing but a whole binding request', () => {
    const bad = [
      question.subarray(0, 19),
      Buffer.concat([question, Buffer.alloc(4)]),
      Buffer.from(question.toString('hex').replace(/^0001/, '0101'), 'hex'),
      Buffer.from(question.toString('hex').replace(/^00010000/, '00010002'), 'hex'),
    ];
    for (const datagram of bad) expect(answerStun(datagram, '127.0.0.1', 1)).toBeUndefined();
  });

  it('reads addresses as Node writes them', () => {
    const hex = (text: string) => Buffer.from(parseAddress(text) ?? []).toString('hex');
    expect(hex('::ffff:1.2.3.4')).toBe('01020304');
    expect(hex('::1')).toBe('00000000000000000000000000000001');
    expect(hex('fe80::1%eth0')).toBe('fe800000000000000000000000000001');
    expect(hex('::')).toBe('0'.repeat(32));
    expect(parseAddress('nonsense')).toBeUndefined();
  });
});
