// Clients that abuse the relay's messages, while two honest users transfer: each abuse is refused with the documented words (docs/relay.md), counted,
// and costs the honest ones neither a byte nor their rate.

import { encode } from '@msgpack/msgpack';
import { afterEach, describe, expect, it } from 'vitest';
import { BOB, PATH, SID } from '../support/bystanders.js';
import { type Attacker, Hostility } from '../support/hostility.js';

const EVE = 'eve@example.com';
const MALLORY = 'mallory@example.com';
const EVES_PATH = `${EVE}/d/stream.tcp.request`;
const PATIENCE_MS = 120_000;

let hostility: Hostility;
afterEach(async () => hostility.end());

/** Everybody may read what is Eve's, so her Opens reach everybody. */
async function shareEverything(eve: Attacker): Promise<void> {
  const con = Buffer.from(JSON.stringify({ rules: [{ pattern: '**', access: { read: ['*'], write: ['*'] } }] }));
  eve.send({ typ: 2, pth: `${EVE}/d/syft.pub.yaml`, etg: '', len: con.length, con });
  await eve.settled();
}

const data = (sid: string, seq: number, pay: Uint8Array) => ({ typ: 12, sid, seq, pth: EVES_PATH, pay }) as const;

describe('a flood of', () => {
  it(
    'Opens that everybody is shown takes no more than its share',
    async () => {
      hostility = await Hostility.begin({ limits: { messagesPerSecond: 300, maxSessionsPerUser: 100 } }, { messagesPerSecond: 200 });
      const eve = await hostility.attacker(EVE);
      await shareEverything(eve);
      let sent = 0;
      const grown = await hostility.under('a flood of Opens', async (over) => {
        sent = await eve.flood(over, (count) => ({ typ: 9, sid: `flood-of-opens-${count}`, pth: EVES_PATH }));
      });
      expect(sent).toBeGreaterThan(300);
      expect(grown('opens')).toBeGreaterThan(100);
      expect(grown('sessionsEvicted')).toBeGreaterThan(0);
      expect(grown('throttled')).toBeGreaterThan(0);
      expect((await hostility.relay.stats()).sessions).toBeLessThanOrEqual(101);
    },
    PATIENCE_MS,
  );

  it(
    'sessions that are all in use is refused beyond the limit',
    async () => {
      hostility = await Hostility.begin({ limits: { maxSessionsPerUser: 20 } });
      const [eve, mallory] = [await hostility.attacker(EVE), await hostility.attacker(MALLORY)];
      await shareEverything(eve);
      const grown = await hostility.under('sessions beyond the limit', async () => {
        for (let n = 0; n < 30; n += 1) {
          eve.send({ typ: 9, sid: `in-use-${n}`, pth: EVES_PATH });
          await eve.settled();
          mallory.send({ typ: 10, sid: `in-use-${n}` });
          await mallory.settled();
        }
      });
      expect(eve.heard('"typ":11', 'too many sessions: close some first')).toBe(10);
      expect(grown('opensOverLimit')).toBe(10);
    },
    PATIENCE_MS,
  );

  it(
    'messages of any kind is slowed down, and ended when it goes on',
    async () => {
      hostility = await Hostility.begin({ limits: { messagesPerSecond: 500, throttleCloseMs: 1000 } }, { messagesPerSecond: 300 });
      const eve = await hostility.attacker(EVE);
      const grown = await hostility.under(
        'a flood of messages',
        async (over) => {
          await eve.flood(over, (count) => ({ typ: 14, sid: `no-such-session-${count % 7}`, knd: 'noise' }));
        },
        4000,
      );
      expect(await eve.over).toBe('1008 too many messages');
      expect(grown('throttled')).toBeGreaterThan(0);
      expect(grown('rateDisconnects')).toBe(1);
      expect(grown('messagesIn')).toBeLessThan(200_000);
    },
    PATIENCE_MS,
  );
});

describe('somebody without a part in a session', () => {
  it(
    'cannot accept, reject, close, signal or send in it, nor take its id',
    async () => {
      hostility = await Hostility.begin();
      const [eve, bobs] = [await hostility.attacker(EVE), await hostility.attacker('bob@example.co')];
      const grown = await hostility.under('wrong participants', async (over) => {
        for (let round = 0; round < 50 && !over.aborted; round += 1) {
          for (const one of [eve, bobs]) {
            one.send({ typ: 10, sid: SID });
            one.send({ typ: 11, sid: SID, rsn: 'go away' });
            one.send({ typ: 12, sid: SID, seq: round + 1, pth: PATH, pay: Buffer.from('forged') });
            one.send({ typ: 13, sid: SID, rsn: 'over' });
            one.send({ typ: 14, sid: SID, knd: 'sdp_offer', tok: '{}' });
            one.send({ typ: 9, sid: SID, pth: `${one.user}/d/stream.tcp.request` });
            one.send({ typ: 9, sid: `mine-alone-${round}`, pth: PATH, to: BOB });
          }
          await Promise.all([eve.settled(), bobs.settled()]);
        }
      });
      const rounds = eve.heard('"typ":11', 'session exists');
      expect(rounds).toBeGreaterThan(5);
      // Accepting Alice's session, and opening on her path.
      expect(eve.heard('"typ":11', 'permission denied')).toBe(2 * rounds);
      expect(grown('opensSidTaken')).toBe(2 * rounds);
      expect(grown('opensDenied')).toBe(2 * rounds);
      expect(grown('acceptsRefused')).toBe(2 * rounds);
      expect(grown('dataNotOpener')).toBe(2 * rounds);
      expect(grown('strangers')).toBe(6 * rounds);
      expect(eve.heard(`"sid":"${SID}"`, '"typ":12')).toBe(0);
    },
    PATIENCE_MS,
  );
});

describe('a message', () => {
  const prefixed = (...parts: Uint8Array[]): Uint8Array => Buffer.concat([Uint8Array.of(0x53, 0x42, 1, 1), ...parts]);
  const bombs: Uint8Array[] = [
    prefixed(Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff)),
    prefixed(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff)),
    prefixed(Uint8Array.of(0x83), encode('id'), Uint8Array.of(0xdb, 0xff, 0xff, 0xff, 0xff)),
    prefixed(encode({ id: 'x', typ: 12, dat: Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff) })),
    prefixed(
      encode({ id: 'x', typ: 14, dat: Buffer.concat([Uint8Array.of(0x81), encode('adr'), Uint8Array.of(0xdd, 0x7f, 0xff, 0xff, 0xff)]) }),
    ),
    prefixed(new Uint8Array(60_000).fill(0x91)),
    Buffer.from(`{"id":"x","typ":6,"dat":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`),
    Buffer.from(`{"id":"x","typ":12,"dat":{"sid":"s","seq":1e999,"pth":"p"}}`),
    new Uint8Array(100_000).fill(0xff),
  ];

  it(
    'that promises billions of items is skipped, and costs no more than its bytes',
    async () => {
      hostility = await Hostility.begin({ limits: { bytesPerSecond: 0 } });
      const eve = await hostility.attacker(EVE);
      const before = process.memoryUsage.rss();
      let sent = 0;
      const grown = await hostility.under('length bombs', async () => {
        for (; sent < 40 * bombs.length; sent += 1) {
          eve.socket.send(bombs[sent % bombs.length] as Uint8Array);
          if (sent % 9 === 8) await eve.settled();
        }
      });
      expect(grown('badEnvelopes')).toBe(sent);
      expect(process.memoryUsage.rss() - before).toBeLessThan(400 * 1024 * 1024);
    },
    PATIENCE_MS,
  );

  it(
    'that is too large, in one piece or by what its head says, closes its connection with 1009',
    async () => {
      hostility = await Hostility.begin({ limits: { maxMessageBytes: 1_048_576 } });
      const grown = await hostility.under('oversized messages', async () => {
        for (let round = 0; round < 10; round += 1) {
          const eve = await hostility.attacker(EVE);
          eve.socket.send(new Uint8Array(1_048_577));
          expect(await eve.over).toMatch(/^1009 /);
          const raw = await hostility.raw(
            `GET /api/v1/events?user=${EVE} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
          );
          // A frame of 2^62 bytes, of which none comes.
          raw.socket.write(Uint8Array.of(0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4));
          await raw.over;
        }
      });
      expect(grown('messagesTooLarge')).toBeGreaterThanOrEqual(10);
      expect(grown('messagesTooLarge') + grown('protocolErrors')).toBe(20);
    },
    PATIENCE_MS,
  );

  it(
    'in fragments without end closes its connection',
    async () => {
      hostility = await Hostility.begin({ limits: { maxFragments: 100 } });
      const eve = await hostility.attacker(EVE);
      const grown = await hostility.under('fragments without end', async () => {
        for (let n = 0; n < 400; n += 1) eve.socket.send('x', { fin: false });
        await eve.over;
      });
      expect(await eve.over).toMatch(/^1008 /);
      expect(grown('messagesTooFragmented')).toBe(1);
    },
    PATIENCE_MS,
  );
});

describe('somebody who does not read', () => {
  it(
    'stops who sends to it, is given up after a while, and takes no memory beyond its queue',
    async () => {
      hostility = await Hostility.begin({ limits: { stuckMs: 1000 } });
      const [eve, mallory] = [await hostility.attacker(EVE), await hostility.attacker(MALLORY)];
      await shareEverything(eve);
      let most = 0;
      const grown = await hostility.under(
        'a reader that stands still',
        async (over) => {
          eve.send({ typ: 9, sid: 'to-one-who-sleeps', pth: EVES_PATH });
          await eve.settled();
          mallory.send({ typ: 10, sid: 'to-one-who-sleeps' });
          await mallory.settled();
          mallory.socket.pause();
          const pay = new Uint8Array(65_536);
          const watching = setInterval(async () => {
            most = Math.max(most, eve.socket.bufferedAmount);
          }, 20);
          await eve.flood(over, (count) => data('to-one-who-sleeps', count + 1, pay));
          clearInterval(watching);
        },
        5000,
      );
      // Its own socket filled up: it was not read.
      expect(most).toBeGreaterThan(2_000_000);
      expect(grown('pauses')).toBeGreaterThan(0);
      expect(grown('stuckDisconnects')).toBe(1);
      mallory.socket.resume();
      expect(await mallory.over).toMatch(/^(1013 takes nothing|1006 )/);
      expect((await hostility.relay.stats()).maxBufferedBytes).toBeLessThan(16 * 1_048_576);
    },
    PATIENCE_MS,
  );

  it(
    'pings without reading, and is owed no more than a bounded number of answers',
    async () => {
      hostility = await Hostility.begin({ limits: { stuckMs: 2000 } });
      const eve = await hostility.attacker(EVE);
      eve.socket.pause();
      await hostility.under(
        'pings without reading',
        async (over) => {
          for (let n = 0; n < 300_000 && !over.aborted && eve.socket.readyState === eve.socket.OPEN; n += 1) {
            eve.socket.ping(Buffer.alloc(125));
            if (n % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
          }
        },
        2500,
      );
      expect((await hostility.relay.stats()).maxBufferedBytes).toBeLessThan(8 * 1_048_576);
    },
    PATIENCE_MS,
  );
});
