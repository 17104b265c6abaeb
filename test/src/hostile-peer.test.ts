// A peer that Alice's daemon has a channel with, and that means her no good: while she transfers with Bob, Mallory breaks every rule between own peers,
// over the relay and on the port of the direct lane. What is refused is counted, nothing of it reaches an application, memory stays bounded, and
// Bob's bytes arrive.
import { randomBytes } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeAck, encodePing, OwnKind, type OwnKindCode, writeOwnEtag } from '../../native-free/channel/own-wire.js';
import { encodeFrame, type Message, OWN_ID_PREFIX, readDirectSignal, writeDirectSignal } from '../../native-free/index.js';
import { createCertificate } from '../../src/control/certificate.js';
import { greeting } from '../../workers/direct/greeting.js';
import { ALICE, BOB, dial, freePort, type Party, Sandbox, transfer, until } from '../support/sandbox.js';
import { RelayClient } from './relay-client.js';

const MALLORY = 'mallory@example.com';
const MALLORYS_PATH = `${MALLORY}/shared/flows/test/run1/_mpc/2_to_0/stream.tcp.request`;
const TRANSFER_BYTES = 8 * 1_048_576;
/** What an attack may make the process of both daemons, the relay and the test grow by. */
const GROWTH_BYTES = 300 * 1_048_576;
const PATIENCE_MS = 180_000;

let sandbox: Sandbox;
afterEach(async () => sandbox.close());

/** Alice and Bob are real; Mallory has a channel with Alice, and speaks for herself. */
async function scene(): Promise<{ alice: Party; bob: Party; mallory: RelayClient; mallorysPort: number }> {
  sandbox = await Sandbox.open();
  const ports = { [ALICE]: await freePort(), [BOB]: await freePort() };
  const mallorysPort = await freePort();
  await sandbox.writeMarker(ALICE, MALLORY, '0_to_2', { [ALICE]: mallorysPort, [MALLORY]: 1 });
  const acl = await fetch(
    `${sandbox.relay.url}/api/v1/acl?user=${MALLORY}&key=${MALLORYS_PATH.replace('stream.tcp.request', 'syft.pub.yaml')}`,
    {
      method: 'PUT',
      body: JSON.stringify({ rules: [{ pattern: '**', access: { read: [ALICE], write: [ALICE] } }] }),
    },
  );
  expect(acl.status).toBe(200);
  const lanes = { lanes: ['direct', 'relay'] } as const;
  const alice = await sandbox.start(ALICE, ports[ALICE] as number, await sandbox.writeMarker(ALICE, BOB, '0_to_1', ports), {
    lanes: [...lanes.lanes],
  });
  const bob = await sandbox.start(BOB, ports[BOB] as number, await sandbox.writeMarker(BOB, ALICE, '1_to_0', ports), {
    lanes: [...lanes.lanes],
  });
  await until(
    'all listen',
    () =>
      alice.link.status().channels.length === 2 &&
      bob.link.status().channels.length === 1 &&
      [alice, bob].every(({ link }) => link.status().channels.every(({ listening }) => listening)),
  );
  return { alice, bob, mallory: await RelayClient.connect(sandbox.relay, MALLORY), mallorysPort };
}

/** Alice and Bob transfer again and again until the attack is over, and once more behind it. */
async function beside(alice: Party, bob: Party, attack: () => Promise<void>): Promise<void> {
  let attacking = true;
  const before = process.memoryUsage.rss();
  const over = attack().finally(() => {
    attacking = false;
  });
  over.catch(() => {});
  for (let last = false; !last; ) {
    last = !attacking;
    const [from, to] = [await dial(alice.port), await dial(bob.port)];
    const result = await transfer(from, to, TRANSFER_BYTES);
    expect(result.received).toBe(result.sent);
    for (const socket of [from, to]) socket.destroy();
  }
  await over;
  expect(process.memoryUsage.rss() - before).toBeLessThan(GROWTH_BYTES);
  expect([...alice.fatal, ...bob.fatal]).toEqual([]);
}

/** An id of our own make: host, epoch, and anything. */
const ownId = (host: string, epoch: number): string =>
  `${OWN_ID_PREFIX}${host}-${epoch.toString(16).padStart(8, '0')}-${randomBytes(4).toString('hex')}`;

/** Opens a session toward Alice and says that it does not seal. @returns the host in Alice's ids */
async function openSession(mallory: RelayClient, sid: string, id: string): Promise<string> {
  mallory.send({ typ: 9, sid, pth: MALLORYS_PATH, to: ALICE }, id);
  for (;;) {
    const { id: answerId, message } = await mallory.next();
    if (!('sid' in message) || message.sid !== sid || message.typ !== 10) continue;
    mallory.send({ typ: 14, sid, knd: 'hl1_key', tok: '{"v":1,"off":"this peer does not seal"}' }, id);
    return answerId.split('-')[1] ?? '';
  }
}

function frame(kind: OwnKindCode, stream: number, seq: number, payload: Uint8Array): Uint8Array {
  const etag = new Uint8Array(12);
  writeOwnEtag(etag, kind, stream);
  return encodeFrame(Buffer.from(MALLORYS_PATH), etag, seq, payload);
}

const asSignal = (sid: string, bytes: Uint8Array): Message => ({
  typ: 14,
  sid,
  knd: 'hl1_frame',
  tok: Buffer.from(bytes).toString('base64'),
});

describe('a peer that breaks the rules', () => {
  it(
    'of frames, acknowledgements, credit and order loses what is its own, and nobody else anything',
    async () => {
      const { alice, bob, mallory, mallorysPort } = await scene();
      const refused = (): number => alice.link.status().totals.framesRefused;
      await beside(alice, bob, async () => {
        const application = await dial(mallorysPort);
        application.resume();
        const id = ownId('0badc0de', 1);
        const sid = '11111111-2222-4333-8444-555555555555';
        await openSession(mallory, sid, id);
        const say = (bytes: Uint8Array): string => mallory.send(asSignal(sid, bytes), id);
        for (let n = 0; n < 300; n += 1) say(randomBytes(n));
        await until('noise is counted', () => refused() >= 300);
        // Acknowledged is what was never sent, and granted what no window holds.
        for (const next of [1, 2, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
          say(
            frame(
              OwnKind.ack,
              0,
              0,
              encodeAck({ nextSeq: next, answersPing: 7, missingFrames: 2 ** 32 - 1 }, [
                1,
                Number.MAX_SAFE_INTEGER,
                2 ** 32 - 1,
                Number.MAX_SAFE_INTEGER,
              ]),
            ),
          );
        }
        for (let n = 0; n < 500; n += 1) say(frame(OwnKind.ping, n, 0, encodePing(n)));
        // A hole at 1, and as much behind it as fits and more; numbers of another world.
        const piece = new Uint8Array(60_000);
        for (let seq = 2; seq < 700; seq += 1) {
          say(frame(OwnKind.data, 1, seq, piece));
          if (seq % 50 === 0) await mallory.settled();
        }
        say(frame(OwnKind.data, 1, Number.MAX_SAFE_INTEGER, piece));
        // Streams without end, and resets of all of them.
        for (let n = 1; n < 2000; n += 1) say(frame(n % 2 === 0 ? OwnKind.reset : OwnKind.open, n, 700 + n, Buffer.from('why')));
        await mallory.settled();
        application.destroy();
      });
      expect(refused()).toBeGreaterThanOrEqual(300);
      expect(alice.events.filter(({ what }) => what === 'frame refused').length).toBeGreaterThan(0);
    },
    PATIENCE_MS,
  );

  it(
    'of sessions and epochs makes its own channel begin anew, and no other',
    async () => {
      const { alice, bob, mallory } = await scene();
      await beside(alice, bob, async () => {
        for (let epoch = 1; epoch <= 60; epoch += 1) {
          const id = ownId('0badc0de', (epoch * 7) % 13);
          const sid = `epoch-tricks-${epoch}`;
          await openSession(mallory, sid, id);
          mallory.send(asSignal(sid, frame(OwnKind.open, epoch, 1, Uint8Array.of(0))), id);
          if (epoch % 3 === 0) mallory.send({ typ: 13, sid, rsn: 'x'.repeat(50_000) }, id);
          if (epoch % 4 === 0)
            for (let n = 0; n < 80; n += 1)
              mallory.send(
                {
                  typ: 14,
                  sid,
                  knd: ['sdp_offer', 'ice_candidate', 'hl1_direct', 'hl1_key', 'noise'][n % 5] as string,
                  tok: randomBytes(200).toString('base64'),
                  adr: ['x', 'y'],
                  err: 'z',
                },
                id,
              );
        }
        await mallory.settled();
      });
      expect(alice.link.status().channels.find(({ peer }) => peer === MALLORY)?.sessions.length ?? 0).toBeLessThan(64);
    },
    PATIENCE_MS,
  );

  it(
    'of the direct lane is turned away at its port, or loses its lane',
    async () => {
      const { alice, bob, mallory } = await scene();
      const ours = createCertificate();
      let turnedAway = 0;
      await beside(alice, bob, async () => {
        // Alice says where she listens to whoever is on her machine; so are we.
        const host = await openSession(mallory, 'to-learn-the-host', ownId('0badc0de', 1));
        const id = ownId(host, 2);
        const sid = 'direct-lane-session';
        await openSession(mallory, sid, id);
        let offer: ReturnType<typeof readDirectSignal>;
        while (offer?.kind !== 'offer') {
          const { message } = await mallory.next();
          if (message.typ === 14 && message.sid === sid && message.knd === 'hl1_direct')
            offer = readDirectSignal(message.tok, message.adr, message.err);
        }
        const port = Number(offer.party.addresses[0]?.split(':').at(-1));
        const tls = { port, host: '127.0.0.1', rejectUnauthorized: false } as const;
        const gone = (socket: { once(event: 'close' | 'error', listener: () => void): unknown }): Promise<void> =>
          new Promise((resolve) => {
            socket.once('error', () => {});
            socket.once('close', () => {
              turnedAway += 1;
              resolve();
            });
          });
        // No TLS; no certificate; a certificate and a wrong token; no word at all.
        const noise = connectTcp(port, '127.0.0.1', () => noise.write(randomBytes(4096)));
        const bare = connectTls(tls);
        const wrong = connectTls({ ...tls, key: ours.key, cert: ours.certificate }, () => wrong.write(greeting('0'.repeat(32))));
        const cut = connectTls({ ...tls, key: ours.key, cert: ours.certificate }, () => cut.write('HLD1'));
        const silent = Array.from({ length: 80 }, () => connectTcp(port, '127.0.0.1'));
        await Promise.all([noise, bare, wrong, cut].map((socket) => gone(socket)));
        // The right token and certificate, and then what is no frame.
        const token = randomBytes(16).toString('hex');
        const answer = writeDirectSignal({
          kind: 'answer',
          party: { token, fingerprint: ours.fingerprint, addresses: [] },
          re: offer.party.token,
        });
        mallory.send({ typ: 14, sid, knd: 'hl1_direct', ...answer }, id);
        const genuine = connectTls({ ...tls, key: ours.key, cert: ours.certificate }, () => {
          genuine.write(greeting(offer?.kind === 'offer' ? offer.party.token : ''));
          genuine.once('data', () => genuine.write(Buffer.concat([Buffer.from('K'), randomBytes(100_000)])));
        });
        await gone(genuine);
        for (const socket of silent) socket.destroy();
      });
      expect(turnedAway).toBe(5);
      const refusals = alice.events
        .filter(({ what }) => what === 'direct connection refused')
        .map(({ fields }) => String(fields['reason']));
      for (const words of [/no TLS handshake/, /no certificate/, /a token that nobody waits for/])
        expect(
          refusals.some((reason) => words.test(reason)),
          String(words),
        ).toBe(true);
      expect(alice.link.status().channels.find(({ peer }) => peer === BOB)?.sessions.length).toBeGreaterThan(0);
    },
    PATIENCE_MS,
  );
});
