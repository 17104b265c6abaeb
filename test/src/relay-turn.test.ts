// TURN credentials that the relay makes for each client from a secret it shares with the TURN server: who gets which, for how long, and how a
// running client keeps them good.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { IceRefresh } from '../../src/control/ice-refresh.js';
import { createHotlink } from '../../src/index.js';
import { mintAccessToken, type RelayOptions, type RelayServer, startRelay } from '../../src/relay/index.js';
import { ALICE, BOB, until } from '../support/sandbox.js';
import { RelayClient } from './relay-client.js';

const TURN = 'turn:turn.example:3478?transport=udp';
const SECRET = 'north wind';
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function relayWith(options: Partial<RelayOptions>): Promise<RelayServer> {
  const relay = await startRelay({ listen: '127.0.0.1:0', iceServers: [TURN], ...options });
  cleanups.push(() => relay.close());
  return relay;
}

describe('a relay with a TURN secret', () => {
  it('gives each client a name that says until when, and the password that belongs to it', async () => {
    const relay = await relayWith({ turnSecret: SECRET, turnTtlSeconds: 600 });
    const seconds = Math.floor(Date.now() / 1000);
    const names = new Set<string>();
    for (const user of [ALICE, BOB]) {
      const client = await RelayClient.connect(relay, user);
      const { 'x-syft-hotlink-turn-user': name, 'x-syft-hotlink-turn-pass': pass, ...headers } = client.responseHeaders;
      expect(name).toMatch(new RegExp(`^\\d+:${user}$`));
      expect(Number(String(name).split(':')[0])).toBeGreaterThanOrEqual(seconds + 600);
      expect(Number(String(name).split(':')[0])).toBeLessThan(seconds + 660);
      expect(pass).toBe(createHmac('sha1', SECRET).update(String(name)).digest('base64'));
      expect(headers).toMatchObject({ 'x-syft-hotlink-turn-ttl': '600', 'x-syft-hotlink-ice-servers': TURN });
      names.add(String(name));
      await client.close();
    }
    expect(names.size).toBe(2);
  });

  it('gives the same over HTTP, to whoever may connect and to nobody else', async () => {
    const relay = await relayWith({ turnSecret: SECRET, authSecret: 's' });
    const ask = (headers: Record<string, string>) => fetch(`${relay.url}/api/v1/hotlink/ice?user=${BOB}`, { headers });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ origin: 'http://evil.org' })).status).toBe(403);
    const answer = await ask({ authorization: `Bearer ${mintAccessToken(ALICE, 's', Date.now())}` });
    // The token says who it is, whatever the query claims.
    expect(await answer.json()).toEqual({
      iceServers: [TURN],
      turnUser: expect.stringMatching(new RegExp(`^\\d+:${ALICE}$`)),
      turnPass: expect.any(String),
      turnTtlSeconds: 86_400,
    });
  });

  it.each([
    [{ turnSecret: SECRET, turnUser: 'u' }, /either a TURN secret/],
    [{ turnSecret: '' }, /which is not empty/],
    [{ turnSecret: SECRET, turnTtlSeconds: 5 }, /10 to 604800/],
    [{ turnSecret: SECRET, turnTtlSeconds: Number.NaN }, /10 to 604800/],
  ])('is refused with %j', async (options, words) => {
    await expect(relayWith(options)).rejects.toThrow(words);
  });
});

describe('a client of such a relay', () => {
  it('asks for new credentials before the old ones are over, without connecting anew', async () => {
    const relay = await relayWith({ turnSecret: SECRET, turnTtlSeconds: 10 });
    const link = createHotlink({ email: ALICE, server: relay.url, threads: 1 });
    cleanups.push(() => link.stop());
    const events: string[] = [];
    link.on('event', (what) => events.push(what));
    await link.start();
    const seen = (what: string): number => events.filter((one) => one === what).length;
    await until('the credentials are renewed', () => seen('ice servers renewed') === 1, 15_000);
    expect(seen('relay up')).toBe(1);
    expect(JSON.stringify(link.status())).not.toContain(SECRET);
  });

  it('asks again when the answer is an error or nonsense', async () => {
    const answers = ['nonsense', JSON.stringify({ iceServers: [TURN], turnUser: '1:a', turnPass: 'p', turnTtlSeconds: 600 })];
    const server = createServer((request, response) => {
      expect(request.url).toBe('/base/api/v1/hotlink/ice?user=alice%40example.com');
      response.end(answers.shift());
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    cleanups.push(async () => server.close());
    const { port } = server.address() as AddressInfo;
    const heard: string[] = [];
    const refresh = new IceRefresh(`ws://127.0.0.1:${port}/base/`, ALICE, undefined, {
      fresh: ({ turnUser }) => heard.push(`fresh ${turnUser}`),
      failed: () => heard.push('failed'),
    });
    refresh.began('1');
    await until('the second answer is taken', () => heard.length === 2, 20_000);
    expect(heard).toEqual(['failed', 'fresh 1:a']);
    refresh.stop();
  });

  it.each([undefined, '0', '-5', 'soon', '1e9'])('asks nothing when the header says %j', (ttl) => {
    const refresh = new IceRefresh('http://127.0.0.1:1', ALICE, undefined, { fresh() {}, failed() {} });
    refresh.began(ttl);
    expect(refresh.pending).toBe(false);
    refresh.began('600');
    expect(refresh.pending).toBe(true);
    refresh.stop();
    expect(refresh.pending).toBe(false);
  });

  it('asks nothing of a relay whose credentials do not expire', async () => {
    const relay = await relayWith({ turnUser: 'u', turnPass: 'p' });
    const client = await RelayClient.connect(relay, ALICE);
    expect(client.responseHeaders).not.toHaveProperty('x-syft-hotlink-turn-ttl');
    await client.close();
  });
});
