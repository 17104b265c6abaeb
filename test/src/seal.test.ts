// What a malicious relay can do to two hotlinks whose relay lane is sealed: a proxy in front of a real relay records, flips, replays and
// forges, and puts itself in the middle of the key exchange. Real data planes on both ends.
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Decoded,
  DIRECT_SIGNAL,
  decodeEnvelope,
  encodeEnvelope,
  formatKeyToken,
  KEY_SIGNAL,
  type Message,
  parseKeyToken,
} from '../../native-free/index.js';
import { openIdentityKey } from '../../src/control/identity-key.js';
import { newKeyCrypto } from '../../src/control/key-crypto.js';
import { createHotlink, type HotlinkOptions } from '../../src/index.js';
import { Impersonator } from '../support/impersonator.js';
import { type Meddler, type Passing, startMeddler } from '../support/meddler.js';
import { ALICE, BOB, dial, freePort, type Party, Sandbox, transfer, until } from '../support/sandbox.js';
import { RelayClient } from './relay-client.js';

let sandbox: Sandbox;
let meddler: Meddler | undefined;
/** Bytes flow: the relay may do its deed. */
let armed = false;
afterEach(async () => {
  await sandbox.close();
  await meddler?.close();
  meddler = undefined;
  armed = false;
});

type Meddle = (passing: Passing) => (Buffer | Uint8Array)[] | undefined;

/** Alice and Bob, who have only the relay, and somebody in front of it. */
async function pairBehind(meddle: Meddle, options: Partial<HotlinkOptions> = {}): Promise<[Party, Party]> {
  sandbox = await Sandbox.open();
  meddler = await startMeddler(sandbox.relay.url, meddle);
  return sandbox.pair({ server: meddler.url, lanes: ['relay'], ...options });
}

const again = ({ id }: Decoded, message: Message): Uint8Array[] => [encodeEnvelope(id, message, 'msgpack')];
const isSealed = (party: Party): boolean =>
  party.link.status().channels[0]!.sessions.length > 0 && party.link.status().channels[0]!.sessions.every(({ sealed }) => sealed === true);
const saw = ({ events }: Party, what: string): Record<string, unknown> | undefined => events.find((event) => event.what === what)?.fields;
const counters = (party: Party): { sealBroken: number; sealRepeats: number } => party.link.status().channels[0]!.counters;

const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

/**
 * Collects what an application is given, and whether it was cut off. A reset that finds Node between two reads is an `end` to it (libuv
 * looks at the hang-up first), so both count; that it was a reset is asked of the daemon.
 */
function listen(socket: Socket): { bytes(): Buffer; reset: Promise<unknown> } {
  const pieces: Buffer[] = [];
  socket.on('data', (data: Buffer) => pieces.push(data));
  return { bytes: () => Buffer.concat(pieces), reset: Promise.race([closed(socket), once(socket, 'end').catch(() => undefined)]) };
}

describe('a relay that records everything', () => {
  /** A line that would be found raw, and in base64 at whatever offset it began. */
  const LINE = 'THE-PATTERN-THAT-NOBODY-MAY-READ-0123456789abcdef!';
  const SHAPES = [0, 1, 2].map((offset) => {
    const text = Buffer.from('\0'.repeat(offset) + LINE).toString('base64');
    return Buffer.from(text.slice(4, Math.floor(text.length / 4) * 4 - 4));
  });
  const found = (recorded: Buffer): boolean => [Buffer.from(LINE), ...SHAPES].some((shape) => recorded.includes(shape));

  async function record(seal: 'auto' | 'off'): Promise<{ recorded: Buffer; alice: Party }> {
    const messages: Buffer[] = [];
    const [alice, bob] = await pairBehind(
      ({ data }) => {
        messages.push(data);
        return undefined;
      },
      { seal },
    );
    const [a, b] = [await dial(alice.port), await dial(bob.port)];
    const [atA, atB] = [listen(a), listen(b)];
    a.write(LINE.repeat(2000));
    b.write(LINE.repeat(2000));
    const all = 2000 * LINE.length;
    await until('both have all', () => atA.bytes().length === all && atB.bytes().length === all);
    expect([atA.bytes().toString(), atB.bytes().toString()]).toEqual([LINE.repeat(2000), LINE.repeat(2000)]);
    // A reset carries its reason, and the last acknowledgements their numbers: the recording includes the end.
    a.resetAndDestroy();
    await atB.reset;
    return { recorded: Buffer.concat(messages), alice };
  }

  it('holds no byte of what two applications said to each other', async () => {
    const { recorded, alice } = await record('auto');
    expect(recorded.length).toBeGreaterThan(4000 * LINE.length);
    expect(found(recorded)).toBe(false);
    // Streams, kinds and acknowledgements are inside as well.
    expect(recorded.includes('h1d-')).toBe(false);
    expect(isSealed(alice)).toBe(true);
  });

  it('holds all of it when sealing is off, which is how we know that we would have found it', async () => {
    const { recorded, alice } = await record('off');
    expect(found(recorded)).toBe(true);
    expect(recorded.includes('h1d-')).toBe(true);
    expect(alice.link.status().channels[0]!.sessions[0]?.sealed).toBe(false);
  });
});

describe('a relay that changes what it carries', () => {
  /** Alice sends until the relay has done its deed; the bytes that Bob got must be the beginning of hers. */
  async function sendUntilReset(alice: Party, bob: Party): Promise<void> {
    const [a, b] = [await dial(alice.port), await dial(bob.port)];
    const atB = listen(b);
    let sent = 0;
    const block = Buffer.alloc(65_536);
    const gone = closed(a);
    const write = (): void => {
      if (!a.writable || a.writableLength > 1_000_000) return;
      block.writeUInt32BE(sent);
      a.write(Buffer.from(block));
      sent += 1;
    };
    write();
    await until('bytes flow', () => atB.bytes().length === block.length);
    armed = true;
    const feed = setInterval(write, 2);
    await Promise.all([gone, atB.reset]);
    clearInterval(feed);
    await until('Bob says that it was a reset', () => saw(bob, 'connection reset') !== undefined);
    const got = atB.bytes();
    expect(got.length).toBeLessThan(sent * block.length);
    for (let at = 0; at + block.length <= got.length; at += block.length) expect(got.readUInt32BE(at)).toBe(at / block.length);
  }

  it.each([
    ['a bit of a frame', (pay: Uint8Array) => pay.with(pay.length >> 1, (pay[pay.length >> 1] as number) ^ 1)],
    ['a bit of its tag', (pay: Uint8Array) => pay.with(pay.length - 1, (pay[pay.length - 1] as number) ^ 0x80)],
    ['its length', (pay: Uint8Array) => pay.subarray(0, pay.length - 1)],
  ])('in %s causes an error on both sides and not one wrong byte', async (_what, change) => {
    const [alice, bob] = await pairBehind(({ user, to, envelope }) => {
      if (!armed || user !== BOB || to !== 'client' || envelope?.message.typ !== 12) return undefined;
      armed = false;
      return again(envelope, { ...envelope.message, pay: change(envelope.message.pay) });
    });
    await sendUntilReset(alice, bob);
    expect(saw(bob, 'seal broken')).toMatchObject({ code: 'ERR_HLNK_SEAL' });
    expect(saw(bob, 'channel failed')).toMatchObject({ code: 'ERR_HLNK_SEAL' });
    // Under new keys it works again.
    const [from, to] = [await dial(alice.port), await dial(bob.port)];
    const result = await transfer(from, to, 1_000_000);
    expect(result.received).toBe(result.sent);
  });

  it('by repeating every frame changes nothing, and is counted', async () => {
    const [alice, bob] = await pairBehind(({ to, data, envelope }) =>
      to === 'client' && envelope?.message.typ === 12 ? [data, data] : undefined,
    );
    const result = await transfer(await dial(alice.port), await dial(bob.port), 3_000_000);
    expect(result.received).toBe(result.sent);
    expect(counters(bob).sealRepeats).toBeGreaterThan(5);
    expect(counters(bob).sealBroken).toBe(0);
  });

  it('by replaying a frame of an earlier session in a later one causes an error', async () => {
    let old: Buffer | undefined;
    let oldSeq = 0;
    let stopped = false;
    const [alice, bob] = await pairBehind(({ user, to, data, envelope }) => {
      if (user !== BOB || to !== 'client' || envelope?.message.typ !== 12) return undefined;
      const { sid, seq } = envelope.message;
      // The last one of the first session: its counter is one that the second has not come to.
      if (!stopped) [old, oldSeq] = [data, seq];
      if (!armed || old === undefined) return undefined;
      armed = false;
      // Just as it was, but for the session's name, by which it finds its way.
      const { id, message } = decodeEnvelope(old) as Decoded;
      expect(message).toMatchObject({ typ: 12, seq: oldSeq });
      return [data, encodeEnvelope(id, { ...message, sid } as Message, 'msgpack')];
    });
    const first = await transfer(await dial(alice.port), await dial(bob.port), 20_000_000);
    expect(first.received).toBe(first.sent);
    // New sessions for the same channel, as after any break of the relay connection.
    stopped = true;
    await alice.link.stop();
    const { port, markerDir } = alice;
    const back = await sandbox.start(ALICE, port, markerDir, { server: (meddler as Meddler).url, lanes: ['relay'] });
    await sendUntilReset(back, bob);
    expect(saw(bob, 'seal broken')).toMatchObject({ code: 'ERR_HLNK_SEAL' });
  });

  it('by slipping in a frame that was never sealed causes an error, and the frame reaches nobody', async () => {
    const [alice, bob] = await pairBehind(({ user, to, data, envelope }) => {
      if (!armed || user !== BOB || to !== 'client' || envelope?.message.typ !== 12) return undefined;
      armed = false;
      const etg = 'h1d-00000001';
      return [...again(envelope, { ...envelope.message, etg, pay: Buffer.from('forged!') }), data];
    });
    await sendUntilReset(alice, bob);
    expect(saw(bob, 'seal broken')).toMatchObject({ code: 'ERR_HLNK_SEAL' });
  });
});

describe('a program that cannot seal', () => {
  const OWN_ID = 'hl1-0badc0de-0badc0de-00000001';
  const BOBS_PATH = `${BOB}/shared/flows/test/run1/_mpc/1_to_0/stream.tcp.request`;

  async function aliceAlone(options: Partial<HotlinkOptions>): Promise<{ alice: Party; bob: RelayClient }> {
    sandbox = await Sandbox.open();
    const ports = { [ALICE]: await freePort(), [BOB]: await freePort() };
    const markerDir = await sandbox.writeMarker(ALICE, BOB, '0_to_1', ports);
    await sandbox.writeMarker(BOB, ALICE, '1_to_0', ports);
    const alice = await sandbox.start(ALICE, ports[ALICE] as number, markerDir, { lanes: ['relay'], ...options });
    await until('Alice is ready', () => alice.link.status().relay.state === 'up' && alice.link.status().channels[0]?.listening === true);
    return { alice, bob: await RelayClient.connect(sandbox.relay, BOB) };
  }

  it('gets nothing through the relay where sealing is required, and the application is told why', async () => {
    const { alice, bob } = await aliceAlone({ seal: 'require' });
    const application = await dial(alice.port);
    const { reset } = listen(application);
    application.write('a secret');
    for (;;) {
      const { message } = await bob.next();
      if (message.typ !== 9) continue;
      bob.send({ typ: 10, sid: message.sid }, OWN_ID);
      bob.send({ typ: 14, sid: message.sid, knd: KEY_SIGNAL, tok: formatKeyToken({ kind: 'off', reason: 'it was made before' }) }, OWN_ID);
      break;
    }
    await until('the relay is refused', () => alice.link.status().channels[0]?.problem?.includes('does not seal') === true);
    await reset;
    await until('the failure is told', () => saw(alice, 'channel failed') !== undefined);
    expect(saw(alice, 'channel failed')?.['reason']).toContain('it was made before');
    expect(bob.frames.some(({ data }) => data.includes('a secret'))).toBe(false);
    await bob.close();
  });

  it('of upstream has its Data refused with a word where sealing is required, and taken where it is not', async () => {
    const { alice, bob } = await aliceAlone({ seal: 'require' });
    const sid = '0123456789abcdef';
    bob.send({ typ: 9, sid, pth: BOBS_PATH, to: ALICE }, 'a1b2c3');
    expect((await bob.next()).message).toMatchObject({ typ: 10, sid });
    bob.send({ typ: 12, sid, seq: 1, pth: BOBS_PATH, etg: 's1', pay: Buffer.from('in the open') }, 'a1b2c4');
    let last = await bob.next();
    while (last.message.typ === 14) last = await bob.next();
    expect(last.message).toMatchObject({ typ: 13, sid, rsn: 'nothing unsealed is taken from the relay' });
    expect(saw(alice, 'relay refused')?.['reason']).toContain('go peer');
    expect(alice.link.status().channels[0]!.counters.rxBytes).toBe(0);
    await bob.close();
  });
});

describe('somebody in the middle of the key exchange', () => {
  const pinned = { identity: 'pin' } as const;
  const knownPeers = (email: string): string => join(sandbox.dataDir(email), '.syftbox', 'known_peers');

  /** Both have pinned each other, while nobody meddled. */
  async function acquainted(meddle: Meddle, options: Partial<HotlinkOptions> = pinned): Promise<[Party, Party]> {
    const [alice, bob] = await pairBehind(meddle, options);
    const [from, to] = [await dial(alice.port), await dial(bob.port)];
    const result = await transfer(from, to, 100_000);
    expect(result.received).toBe(result.sent);
    to.end();
    await once(from, 'close');
    return [alice, bob];
  }

  async function restart({ email, port, markerDir, link }: Party, options: Partial<HotlinkOptions> = pinned): Promise<Party> {
    await link.stop();
    return sandbox.start(email, port, markerDir, { server: (meddler as Meddler).url, lanes: ['relay'], ...options });
  }

  it('pins at first sight, shows both fingerprints, and keeps the key to itself', async () => {
    const [alice, bob] = await acquainted(() => undefined);
    const [ofAlice, ofBob] = [alice.link.status().identity, bob.link.status().identity];
    expect(ofAlice).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect(saw(alice, 'identity pinned')).toEqual({ peer: BOB, fingerprint: ofBob });
    expect(alice.link.status().channels[0]!.sessions[0]).toMatchObject({ sealed: true, identity: ofBob });
    const keyPath = join(sandbox.dataDir(ALICE), '.syftbox', 'hotlink_identity.pem');
    expect(statSync(keyPath).mode & 0o777).toBe(0o600);
    expect(readFileSync(knownPeers(ALICE), 'utf8')).toMatch(/^bob@example\.com ed25519 \S{44}\n$/);
    // A key that others may read is no secret: the next start says so.
    chmodSync(keyPath, 0o644);
    const careless = createHotlink({ email: ALICE, server: sandbox.relay.url, dataDir: sandbox.dataDir(ALICE), identity: 'pin' });
    await expect(careless.start()).rejects.toMatchObject({ code: 'ERR_HLNK_CONFIG' });
  });

  it('with an identity of its own is refused loudly, and gets not one byte, until a person removes the pinned line', async () => {
    let middle: Impersonator | undefined;
    const [alice, bob] = await acquainted((passing) => middle?.meddle(passing));
    const key = openIdentityKey(join(sandbox.home, 'mallory.pem'));
    middle = new Impersonator(ALICE, BOB, key, (id, message) => meddler?.inject(ALICE, id, message));
    const back = await restart(alice);
    const a = await dial(back.port);
    a.write('for Bob alone');
    await until('Alice refuses', () => saw(back, 'identity refused') !== undefined);
    expect(saw(back, 'identity refused')).toMatchObject({ peer: BOB, code: 'ERR_HLNK_IDENTITY' });
    const problem = back.link.status().channels[0]?.problem ?? '';
    expect(problem).toContain(`THE IDENTITY KEY OF ${BOB} HAS CHANGED`);
    expect(problem).toContain(bob.link.status().identity);
    expect(problem).toContain(`${knownPeers(ALICE)} line 1`);
    expect(bob.link.status().channels[0]!.counters.rxBytes).toBe(100_000);
    expect(back.link.status().channels[0]!.counters.txWsPackets).toBe(0);
    // The relay becomes honest, and it was Bob's key that changed: the person removes the line.
    middle = undefined;
    writeFileSync(knownPeers(ALICE), '# nobody\n');
    const b = await dial(bob.port);
    const atB = listen(b);
    await until('it arrives', () => atB.bytes().toString() === 'for Bob alone', 30_000);
    expect(back.link.status().channels[0]?.problem).toBeUndefined();
  });

  it('that puts its key into the words of a peer that cannot sign is refused, and nothing goes out in the open instead', async () => {
    let meddling = false;
    const [alice, bob] = await acquainted(({ user, to, envelope }) => {
      const message = envelope?.message;
      if (!meddling || envelope === undefined || user !== ALICE || to !== 'client' || message?.typ !== 14) return undefined;
      const token = message.knd === KEY_SIGNAL ? parseKeyToken(message.tok) : undefined;
      if (token?.kind !== 'key') return undefined;
      return again(envelope, { ...message, tok: formatKeyToken({ ...token, ephemeral: mallory.ephemeral }) });
    });
    const mallory = newKeyCrypto(undefined);
    meddling = true;
    const back = await restart(alice);
    const a = await dial(back.port);
    a.write('for Bob alone');
    await until('Alice gives the session up', () => saw(back, 'identity refused') !== undefined, 20_000);
    expect(saw(back, 'signal refused')?.['reason']).toContain('somebody changed it on the way');
    expect(back.link.status().channels[0]?.problem).toContain('did not finish');
    expect(bob.link.status().channels[0]!.counters.rxBytes).toBe(100_000);
  });

  it('that swallows it, or makes a pinned peer look like a program without keys, gets nothing either', async () => {
    let disguise = false;
    const [alice, bob] = await acquainted(({ user, to, envelope }) =>
      disguise && user === ALICE && to === 'client' && envelope !== undefined && envelope.message.typ >= 9
        ? [encodeEnvelope('a1b2c3', envelope.message, 'msgpack')]
        : undefined,
    );
    disguise = true;
    const back = await restart(alice);
    const a = await dial(back.port);
    a.write('for Bob alone');
    await until('Alice refuses', () => saw(back, 'identity refused') !== undefined);
    expect(saw(back, 'identity refused')?.['reason']).toContain('a go client of bob@example.com cannot show an identity key');
    expect(bob.link.status().channels[0]!.counters.rxBytes).toBe(100_000);
  });

  it('that puts its own certificate into an offer is refused, and the sealed relay carries on', async () => {
    const both = { ...pinned, lanes: ['webrtc', 'relay'] } as const;
    const [alice, bob] = await acquainted(({ user, to, envelope }) => {
      const message = envelope?.message;
      if (envelope === undefined || user !== ALICE || to !== 'client' || message?.typ !== 14 || !message.knd.startsWith('sdp_'))
        return undefined;
      return again(envelope, {
        ...message,
        tok: (message.tok ?? '').replace(/(fingerprint:sha-256 )([0-9A-F]{2})/gi, (_all, head: string, byte: string) =>
          byte === '00' ? `${head}01` : `${head}00`,
        ),
      });
    }, both);
    expect(saw(alice, 'certificate refused')?.['reason']).toContain('certificate of its webrtc lane is not the one');
    const [session] = alice.link.status().channels[0]!.sessions;
    expect(session).toMatchObject({ sealed: true, lane: 'relay' });
    expect(bob.link.status().channels[0]!.counters.rxBytes).toBe(100_000);
  });

  it('that puts its own certificate and address into the offer of a direct lane is refused, and the sealed relay carries on', async () => {
    const both = { ...pinned, lanes: ['direct', 'relay'] } as const;
    const [alice, bob] = await acquainted(({ user, to, envelope }) => {
      const message = envelope?.message;
      if (envelope === undefined || user !== ALICE || to !== 'client' || message?.typ !== 14 || message.knd !== DIRECT_SIGNAL)
        return undefined;
      const tok = (message.tok ?? '').replace(/^(\w+\.\w{32}\.)\w{64}/, (_all, head: string) => head + 'ab'.repeat(32));
      return again(envelope, { ...message, tok });
    }, both);
    expect(saw(alice, 'certificate refused')?.['reason']).toContain('certificate of its direct lane is not the one');
    expect(alice.link.status().channels[0]!.sessions[0]).toMatchObject({ sealed: true, lane: 'relay' });
    expect(bob.link.status().channels[0]!.counters.rxBytes).toBe(100_000);
  });

  it('that takes the word for a certificate away at first sight keeps its lane only until the identity is proved', async () => {
    const both = { ...pinned, lanes: ['direct', 'relay'] } as const;
    const [alice, bob] = await pairBehind(({ user, to, envelope }) => {
      const message = envelope?.message;
      if (envelope === undefined || user !== ALICE || to !== 'client' || message?.typ !== 14) return undefined;
      if (message.knd === KEY_SIGNAL) return armed ? undefined : [];
      if (message.knd !== DIRECT_SIGNAL) return undefined;
      return again(envelope, { ...message, adr: (message.adr ?? []).filter((text) => !text.startsWith('hl1-voucher')) });
    }, both);
    const a = await dial(alice.port);
    const b = await dial(bob.port);
    a.write('x');
    await once(b, 'data');
    await until('the lane is up', () => alice.link.status().channels[0]!.sessions.some(({ direct }) => direct === 'connected'));
    armed = true;
    await until('Alice refuses', () => saw(alice, 'identity refused') !== undefined);
    expect(saw(alice, 'identity refused')).toMatchObject({ peer: BOB, code: 'ERR_HLNK_IDENTITY' });
    expect(saw(alice, 'identity refused')?.['reason']).toContain('came without its word');
    await until('the lane is gone', () => alice.link.status().channels[0]!.sessions.every(({ direct }) => direct !== 'connected'));
  });

  it.each(['direct', 'webrtc'] as const)(
    'finds the %s lane and the relay working between pinned peers when nobody meddles',
    async (lane) => {
      const [alice] = await acquainted(() => undefined, { ...pinned, lanes: [lane, 'relay'] });
      const [session] = alice.link.status().channels[0]!.sessions;
      expect(session).toMatchObject({ lane, sealed: true });
    },
  );
});

describe('a stranger who knows a session', () => {
  it('cannot say a word of its key exchange through a relay that checks', async () => {
    const [alice, bob] = await pairBehind(() => undefined, { identity: 'pin' });
    const [a, b] = [await dial(alice.port), await dial(bob.port)];
    const atB = listen(b);
    a.write('one');
    await until('it arrives', () => atB.bytes().toString() === 'one');
    const sid = alice.link.status().channels[0]!.sessions[0]!.sid;
    const mallory = await RelayClient.connect(sandbox.relay, 'mallory@example.com');
    const tok = formatKeyToken({ kind: 'key', ephemeral: newKeyCrypto(undefined).ephemeral, required: false, asks: true });
    mallory.send({ typ: 14, sid, knd: KEY_SIGNAL, tok }, 'hl1-0badc0de-0badc0de-00000001');
    await mallory.settled();
    a.write(' two');
    await until('the rest arrives', () => atB.bytes().toString() === 'one two');
    expect([alice.link.status().totals.badSignals, bob.link.status().totals.badSignals]).toEqual([0, 0]);
    await mallory.close();
  });

  it('is refused by name when the relay does not check, even with an identity of her own, and the peers go on', async () => {
    let done = false;
    const [alice, bob] = await pairBehind(
      ({ user, to, data, envelope }) => {
        const message = envelope?.message;
        if (done || envelope === undefined || user !== ALICE || to !== 'client' || message?.typ !== 14 || message.knd !== KEY_SIGNAL)
          return undefined;
        const token = parseKeyToken(message.tok);
        if (token?.kind !== 'key' || token.of === undefined) return undefined;
        done = true;
        // Signed with a genuine identity key, for a session in which she has no part; then with a key of her own in place of the peer's.
        const key = openIdentityKey(join(sandbox.home, 'mallory.pem'));
        const hers = { ...token, identity: key.publicKey, signature: key.sign(Buffer.from('whatever')) };
        const other = { ...token, ephemeral: newKeyCrypto(undefined).ephemeral };
        return [
          ...again(envelope, { ...message, tok: formatKeyToken(hers) }),
          ...again(envelope, { ...message, tok: formatKeyToken(other) }),
          data,
        ];
      },
      { identity: 'pin' },
    );
    const result = await transfer(await dial(alice.port), await dial(bob.port), 500_000);
    expect(result.received).toBe(result.sent);
    const reasons = alice.events.filter(({ what }) => what === 'signal refused').map(({ fields }) => fields['reason']);
    expect(reasons).toEqual(['another identity than at first', 'another key than the first one of this session']);
    expect(alice.link.status().channels[0]!.sessions[0]).toMatchObject({ sealed: true, identity: bob.link.status().identity });
  });
});

describe('a frame of the way back', () => {
  it('that was changed is an error as well', async () => {
    let count = 0;
    const [alice, bob] = await pairBehind(({ user, to, envelope }) => {
      const message = envelope?.message;
      if (envelope === undefined || user !== ALICE || to !== 'client' || message?.typ !== 14 || message.knd !== 'hl1_frame')
        return undefined;
      count += 1;
      if (count !== 3) return undefined;
      const frame = Buffer.from(message.tok ?? '', 'base64');
      frame[frame.length - 1] = (frame[frame.length - 1] as number) ^ 1;
      return again(envelope, { ...message, tok: frame.toString('base64') });
    });
    const [a, b] = [await dial(alice.port), await dial(bob.port)];
    const gone = Promise.all([listen(a).reset, listen(b).reset]);
    const feed = setInterval(() => a.writable && a.write(Buffer.alloc(100_000)), 5);
    await gone;
    clearInterval(feed);
    expect(saw(alice, 'seal broken')).toMatchObject({ code: 'ERR_HLNK_SEAL' });
  });
});
