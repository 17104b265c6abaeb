// Clients that abuse the relay's door, while two honest users transfer: connections that never become anything, floods of them, foreign pages, bodies
// without end, tokens that are not good, requests for what is not there. Each is refused with the documented words (docs/relay.md) and counted.
import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { mintAccessToken } from '../../src/relay/index.js';
import { ALICE, BOB } from '../support/bystanders.js';
import { Hostility } from '../support/hostility.js';

const EVE = 'eve@example.com';
const SECRET = 'the relay’s secret';
const PATIENCE_MS = 120_000;

let hostility: Hostility;
afterEach(async () => hostility.end());

const upgrade = (...headers: string[]): string =>
  [
    `GET /api/v1/events?user=${EVE} HTTP/1.1`,
    'Host: x',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    ...headers,
  ].join('\r\n');

describe('connections', () => {
  it(
    'that never finish their request are closed after a while, however many there are',
    async () => {
      hostility = await Hostility.begin({ limits: { handshakeMs: 700 } });
      const grown = await hostility.under(
        'half-open sockets and slow headers',
        async (over) => {
          const silent = await Promise.all(Array.from({ length: 60 }, () => hostility.raw()));
          const half = await Promise.all(Array.from({ length: 60 }, () => hostility.raw(upgrade('X-Slow: '))));
          while (!over.aborted) {
            for (const { socket } of half) if (socket.writable) socket.write('a');
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
          for (const one of [...silent, ...half]) expect(await one.over).toMatch(/^(HTTP\/1\.1 408 |$)/);
        },
        2500,
      );
      expect(grown('slowRequests')).toBeGreaterThanOrEqual(60);
    },
    PATIENCE_MS,
  );

  it(
    'beyond a user’s share are refused, and the same from one address',
    async () => {
      hostility = await Hostility.begin({ limits: { maxConnectionsPerUser: 5, maxConnectionsPerAddress: 20 } });
      let refused = '';
      const grown = await hostility.under('a flood of connections', async () => {
        const held = [];
        for (let n = 0; n < 5; n += 1) held.push(await hostility.attacker(EVE, { localAddress: '127.0.0.2' }));
        for (let n = 0; n < 30; n += 1)
          await hostility.attacker(EVE, { localAddress: '127.0.0.2' }).catch((error: Error) => {
            refused = error.message;
          });
        expect(refused).toMatch(/^429 .*E_RATE_LIMITED/);
        // The same address under other names.
        for (let n = 0; n < 40; n += 1)
          await hostility.attacker(`eve${n}@example.com`, { localAddress: '127.0.0.2' }).catch((error: Error) => {
            refused = error.message;
          });
        expect(refused).toMatch(/^429 .*E_RATE_LIMITED/);
        expect(held.every(({ socket }) => socket.readyState === socket.OPEN)).toBe(true);
      });
      expect(grown('refusedUser')).toBeGreaterThan(0);
      expect(grown('refusedAddress')).toBeGreaterThan(0);
      expect((await hostility.relay.stats()).connections).toBeLessThanOrEqual(22);
    },
    PATIENCE_MS,
  );

  it(
    'made by pages of other sites are refused',
    async () => {
      hostility = await Hostility.begin();
      const grown = await hostility.under('foreign pages', async () => {
        for (const origin of [
          'http://evil.example',
          'null',
          'http://127.0.0.1:1',
          `http://127.0.0.1:${hostility.relay.port}.evil.example`,
          'file://',
        ])
          await expect(hostility.attacker(EVE, { headers: { origin } }), origin).rejects.toThrow(
            /^403 .*requests from pages of other hosts are refused/,
          );
      });
      expect(grown('authFailures')).toBe(5);
      expect(grown('connectionsTotal')).toBe(0);
    },
    PATIENCE_MS,
  );
});

describe('requests', () => {
  it(
    'with bodies without end are refused before they are read',
    async () => {
      hostility = await Hostility.begin({ limits: { maxBodyBytes: 65_536 } });
      const put = (headers: string): string =>
        `PUT /api/v1/acl?user=${EVE}&key=${EVE}/d/syft.pub.yaml HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`;
      const grown = await hostility.under('huge bodies', async (over) => {
        const said = await hostility.raw(put('Content-Length: 10000000000'));
        const chunked = await hostility.raw(put('Transfer-Encoding: chunked'));
        const piece = Buffer.concat([Buffer.from('4000\r\n'), Buffer.alloc(16_384, 0x61), Buffer.from('\r\n')]);
        for (const { socket } of [said, chunked]) {
          // The relay hangs up in the middle, which the socket tells as an error.
          const hungUp = new Promise<void>((resolve) => socket.once('close', () => resolve()));
          for (let n = 0; n < 2000 && socket.writable && !over.aborted; n += 1) {
            const drained = new Promise<void>((resolve) => socket.once('drain', () => resolve()));
            if (!socket.write(piece)) await Promise.race([drained, hungUp]);
          }
        }
        for (const one of [said, chunked]) expect(await one.over).toMatch(/^HTTP\/1\.1 413 [\s\S]*E_INVALID_REQUEST|^$/);
      });
      expect(grown('largeBodies')).toBe(2);
      expect(grown('aclUpdates')).toBe(0);
    },
    PATIENCE_MS,
  );

  it(
    'for what is not there, or is no HTTP, get nothing',
    async () => {
      hostility = await Hostility.begin();
      const grown = await hostility.under('pokes', async () => {
        const targets = [
          '/metrics',
          '/status',
          '/admin',
          '/debug',
          '/.git/config',
          '/api/v1/users',
          '/api/v1/acl',
          '/%2e%2e/%2e%2e/etc/passwd',
          '//evil.example/',
          '/api/v1/events/../../admin',
        ];
        for (const target of targets)
          for (const method of ['GET', 'POST', 'DELETE']) {
            const { over } = await hostility.raw(
              `${method} ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
            );
            expect(await over, `${method} ${target}`).toMatch(/^HTTP\/1\.1 40[0-9] /);
          }
        for (const noise of [
          '\x16\x03\x01\x02\x00\x01\x00\x01\xfc',
          'SSH-2.0-x\r\n',
          'GET\r\n\r\n',
          'GET / HTTP/9.9\r\n\r\n',
          `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
        ]) {
          const { over } = await hostility.raw(Buffer.from(noise, 'latin1'));
          expect(await over, noise.slice(0, 20)).toMatch(/^(HTTP\/1\.1 [45]\d\d |$)/);
        }
        const smuggled = await hostility.raw(
          'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
        );
        expect(await smuggled.over).not.toContain('200 OK');
      });
      expect(grown('badRequests')).toBeGreaterThanOrEqual(4);
    },
    PATIENCE_MS,
  );
});

describe('tokens', () => {
  it(
    'that expired, that others signed, or that are of another kind admit nobody',
    async () => {
      const nowMs = Date.now();
      const tokens = { alice: mintAccessToken(ALICE, SECRET, nowMs), bob: mintAccessToken(BOB, SECRET, nowMs) };
      hostility = await Hostility.begin({ authSecret: SECRET }, { tokens });
      const [head = '', claims = '', signature = ''] = tokens.alice.split('.');
      const json = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      const signed = (header: object, payload: object, secret = SECRET): string => {
        const body = `${json(header)}.${json(payload)}`;
        return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
      };
      const good = { type: 'access', sub: ALICE, iat: Math.floor(nowMs / 1000) };
      const cases: [string, string, RegExp][] = [
        ['expired', mintAccessToken(ALICE, SECRET, nowMs - 7_200_000, nowMs - 3_600_000), /the token has expired/],
        ['signed by somebody else', mintAccessToken(ALICE, 'another secret', nowMs), /the token is not signed by this server/],
        [
          'for another user, with Alice’s signature',
          `${head}.${json({ ...good, sub: 'root@example.com' })}.${signature}`,
          /not signed by this server/,
        ],
        ['without an algorithm', `${json({ alg: 'none', typ: 'JWT' })}.${claims}.`, /the token is (malformed|not HS256)/],
        ['of another algorithm', signed({ alg: 'HS512', typ: 'JWT' }, good), /the token is (malformed|not HS256)/],
        ['a refresh token', signed({ alg: 'HS256' }, { ...good, type: 'refresh' }), /not an access token/],
        ['without a subject', signed({ alg: 'HS256' }, { type: 'access' }), /no e-mail as its subject/],
        [
          'with a subject that is no e-mail',
          signed({ alg: 'HS256' }, { ...good, sub: '../alice@example.com' }),
          /no e-mail as its subject/,
        ],
        ['not valid yet', signed({ alg: 'HS256' }, { ...good, nbf: Math.floor(nowMs / 1000) + 3600 }), /not valid yet/],
        ['with a critical extension', signed({ alg: 'HS256', crit: ['x'], x: 1 }, good), /malformed|not HS256/],
        ['cut short', tokens.alice.slice(0, -4), /not signed by this server|malformed/],
        ['nothing', '', /missing/],
        ['noise', '%%%', /missing|malformed/],
      ];
      const grown = await hostility.under('tokens that are not good', async () => {
        for (const [what, token, words] of cases)
          await expect(hostility.attacker(ALICE, { headers: { authorization: `Bearer ${token}` } }), what).rejects.toThrow(
            new RegExp(`^401 .*(${words.source})`),
          );
        // A good token is its subject's, whoever shows it and whatever they claim.
        const eve = await hostility.attacker(EVE, {
          headers: { authorization: `Bearer ${mintAccessToken('eve@other.org', SECRET, nowMs)}` },
        });
        eve.send({ typ: 9, sid: 'a-session-of-eves', pth: `${EVE}/d/stream.tcp.request` });
        await eve.settled();
        expect(eve.heard('permission denied')).toBe(1);
      });
      expect(grown('authFailures')).toBe(cases.length);
    },
    PATIENCE_MS,
  );
});
