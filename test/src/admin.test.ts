// The admin endpoint of a running data plane: what it answers, to whom, and that it is gone afterwards.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AdminAddress, AdminClient, type AdminServer, adminListen, type DaemonReport, startAdmin } from '../../src/admin/index.js';
import { metrics } from '../../src/admin/metrics.js';
import { ALICE, BOB, dial, type Party, Sandbox, transfer, until } from '../support/sandbox.js';

let sandbox: Sandbox;
let admin: AdminServer | undefined;

beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => {
  await admin?.close();
  admin = undefined;
  await sandbox.close();
});

async function open(party: Party, setting = 'auto'): Promise<AdminServer> {
  const dataDir = sandbox.dataDir(party.email);
  const listen = adminListen(setting, dataDir);
  if (listen === undefined) throw new Error('off');
  admin = await startAdmin({ listen, link: party.link, dataDir, email: party.email, verb: 'up', version: '0' });
  return admin;
}

interface Answer {
  status: number;
  text: string;
  headers: Record<string, unknown>;
}

function ask({ socket, url }: AdminAddress, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const given = { method, headers: { host: 'localhost', ...headers } };
    const asked = url === undefined ? request({ socketPath: socket as string, path, ...given }) : request(new URL(path, url), given);
    asked.on('error', reject).on('response', (response) => {
      let text = '';
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
    });
    asked.end();
  });
}

describe('the admin endpoint', () => {
  it('shows a transfer: lane, bytes, rates, threads, metrics and events agree', { timeout: 60_000 }, async () => {
    const [alice, bob] = await sandbox.pair();
    const { address } = await open(alice);
    const [from, to] = [await dial(alice.port), await dial(bob.port)];
    await transfer(from, to, 20_000_000);
    let report: DaemonReport | undefined;
    const look = setInterval(() => {
      void ask(address, '/status').then(({ text }) => {
        report = JSON.parse(text) as DaemonReport;
      });
    }, 50);
    await until('rates were sampled', () => report?.channels[0]?.rates?.history.txBytesPerSecond.some((rate) => rate > 0) === true);
    clearInterval(look);
    const channel = report?.channels[0];
    expect(channel).toMatchObject({ peer: BOB, name: '0_to_1', shape: 'rendezvous', lane: 'webrtc', laneReason: '' });
    expect(channel?.counters.txBytes).toBe(20_000_000);
    expect(channel?.lanes).toEqual([
      { lane: 'direct', state: 'off', reason: 'switched off on this side' },
      { lane: 'webrtc', state: 'carries', reason: '' },
      { lane: 'relay', state: expect.stringMatching(/^(idle|up)$/) as string, reason: expect.not.stringMatching(/^$/) as string },
    ]);
    expect(channel?.sessions.find(({ direction }) => direction === 'out')).toMatchObject({
      candidates: { local: expect.stringMatching(/^(host|prflx)$/) as string, remote: expect.stringMatching(/^(host|prflx)$/) as string },
      acceptedMs: expect.any(Number) as number,
    });
    expect(report?.threads.map(({ name }) => name)).toEqual(['main', 'relay', 'channel-1']);
    expect(report?.threads.every(({ ageMs }) => ageMs < 15_000)).toBe(true);
    expect(report?.daemon).toMatchObject({ pid: process.pid, verb: 'up', dataDir: sandbox.dataDir(ALICE) });

    const exposition = (await ask(address, '/metrics')).text;
    expect(exposition).toContain(`hotlink_tx_bytes_total{peer="${BOB}",channel="0_to_1"} 20000000\n`);
    expect(exposition).toContain(`hotlink_lane_carries{peer="${BOB}",channel="0_to_1",lane="webrtc"} 1\n`);
    expect(exposition).toMatch(/hotlink_event_loop_delay_seconds\{thread="channel-1",value="max"\} [\d.e-]+\n/);
    expect(exposition.endsWith('\n# EOF\n')).toBe(true);
    const happened = report?.events.map(({ what }) => what);
    expect(happened).toContain('webrtc open');
  });

  it('streams what happens and the status, and takes up where a reader left off', async () => {
    const [alice] = await sandbox.pair();
    const { address } = await open(alice);
    const abort = new AbortController();
    const read = (path: string): { text: () => string } => {
      let text = '';
      const asked = request({ socketPath: address.socket as string, path, headers: { host: 'localhost' }, signal: abort.signal });
      asked
        .on('error', () => {})
        .on('response', (response) => {
          response.on('error', () => {});
          response.on('data', (part) => {
            text += part;
          });
        });
      asked.end();
      return { text: () => text };
    };
    const all = read('/events?status=200');
    await until('two statuses came', () => all.text().split('event: status\n').length > 2);
    expect(all.text()).toContain('"what":"listening"');
    const last = Math.max(...[...all.text().matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)));
    const later = read(`/events?after=${last}`);
    const marker = join(alice.markerDir, 'stream.tcp');
    writeFileSync(marker, '{');
    await until('the reader hears of the broken marker', () => later.text().includes('marker refused'));
    expect(later.text()).not.toContain('"what":"listening"');
    abort.abort();
  });

  it('does not take a wish for one status a month as a wish for a thousand a second', async () => {
    const [alice] = await sandbox.pair();
    const { address } = await open(alice);
    let text = '';
    const asked = request({ socketPath: address.socket as string, path: '/events?status=1e12', headers: { host: 'localhost' } });
    asked
      .on('error', () => {})
      .on('response', (response) => {
        response.setEncoding('utf8').on('error', () => {});
        response.on('data', (part: string) => {
          text += part;
        });
      });
    asked.end();
    await until('the first came', () => text.includes('event: status'));
    const marker = join(alice.markerDir, 'stream.tcp');
    writeFileSync(marker, '{');
    await until('something else happened', () => text.includes('marker refused'));
    expect(text.split('event: status').length - 1).toBe(1);
    asked.destroy();
  });

  it('measures round trips of open streams while somebody watches, and lets them be otherwise', async () => {
    const [alice, bob] = await sandbox.pair();
    const { address } = await open(alice);
    const ends = [await dial(alice.port), await dial(bob.port)] as const;
    ends[0].write('x');
    const channel = (): DaemonReport['channels'][number] => alice.link.status().channels[0] as DaemonReport['channels'][number];
    await until('the stream is up', () => channel().streams === 1);
    const idle = channel().counters.pings;
    const asked = request({ socketPath: address.socket as string, path: '/events?status=1000', headers: { host: 'localhost' } });
    asked.on('error', () => {}).on('response', (response) => response.on('error', () => {}).resume());
    asked.end();
    await until('round trips were measured', () => channel().rttMs !== undefined && channel().counters.pings >= idle + 2);
    ends[0].end();
    ends[1].end();
    await until('the stream is over', () => channel().streams === 0);
    const after = channel().counters.pings;
    let looks = 0;
    const looking = setInterval(() => {
      looks += 1;
    }, 500);
    await until('two and a half seconds went by', () => looks === 5);
    clearInterval(looking);
    expect(channel().counters.pings).toBeLessThanOrEqual(after + 1);
    asked.destroy();
  });

  it('says in words why it is not ready', async () => {
    const [alice] = await sandbox.pair();
    const { address } = await open(alice);
    expect(await ask(address, '/readyz')).toMatchObject({ status: 200, text: '{"ready":true,"reasons":[]}' });
    await sandbox.relay.close();
    await until('the relay is gone', () => alice.link.status().relay.state === 'down');
    const { status, text } = await ask(address, '/readyz');
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ ready: false, reasons: [expect.stringMatching(/^the relay is down: /) as string] });
    expect((await ask(address, '/healthz')).status).toBe(200);
  });

  it('profiles every thread', { timeout: 60_000 }, async () => {
    const [alice] = await sandbox.pair();
    const { address } = await open(alice);
    const { status, text } = await ask(address, '/profile?seconds=0.3', {}, 'POST');
    expect(status).toBe(200);
    const { threads } = JSON.parse(text) as { threads: { role: string; profile: string }[] };
    expect(threads.map(({ role }) => role)).toEqual(['main', 'relay', 'channel-1']);
    for (const { profile } of threads) expect(JSON.parse(profile)).toMatchObject({ nodes: expect.any(Array) as unknown[] });
    expect((await ask(address, '/profile?seconds=-1', {}, 'POST')).status).toBe(400);
    expect((await ask(address, '/profile?seconds=1', {}, 'GET')).status).toBe(404);
  });
});

describe('whoever asks', () => {
  it.each([
    ['a foreign Host', { host: 'evil.example:80' }],
    ['a foreign Host that looks like ours', { host: '127.0.0.1.evil.example' }],
    ['a foreign Origin', { origin: 'http://evil.example' }],
    ['the Origin of a file', { origin: 'null' }],
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
  ])('is refused with %s', async (_what, headers) => {
    const [alice] = await sandbox.pair();
    for (const setting of ['auto', '127.0.0.1:0']) {
      const { address } = await open(alice, setting);
      const withToken = address.token === undefined ? headers : { ...headers, authorization: `Bearer ${address.token}` };
      for (const path of ['/status', '/healthz', '/metrics'])
        expect((await ask(address, path, withToken as Record<string, string>)).status).toBe(403);
      await admin?.close();
    }
  });

  it('needs the file mode on a unix socket, the token on TCP', async () => {
    const [alice] = await sandbox.pair();
    const { address } = await open(alice);
    expect(statSync(address.socket as string).mode & 0o777).toBe(0o600);
    await admin?.close();

    const tcp = (await open(alice, '127.0.0.1:0')).address;
    expect(statSync(join(sandbox.dataDir(ALICE), '.syftbox/hotlink_admin.json')).mode & 0o777).toBe(0o600);
    expect((await ask(tcp, '/status')).status).toBe(401);
    expect((await ask(tcp, '/status', { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await ask(tcp, '/healthz')).status).toBe(200);
    expect((await ask(tcp, '/status', { authorization: `Bearer ${tcp.token}` })).status).toBe(200);
    // Whether it is ready, not with whom.
    expect(await ask(tcp, '/readyz')).toMatchObject({ status: 200, text: '{"ready":true}' });
    expect((await ask(tcp, '/readyz', { authorization: `Bearer ${tcp.token}` })).text).toBe('{"ready":true,"reasons":[]}');
    // Neither URLs, which are remembered, nor cookies, which every port of the machine sees, let anybody in.
    expect((await ask(tcp, `/status?token=${tcp.token}`)).status).toBe(401);
    expect((await ask(tcp, '/status', { cookie: `hotlink_token=${tcp.token}` })).status).toBe(401);
  });

  it.each(['0.0.0.0:7070', '192.0.2.1:7070', 'example.com:80', '7070'])('%s is no place for it', (setting) => {
    expect(() => adminListen(setting, '/data')).toThrow(expect.objectContaining({ code: 'ERR_HLNK_CONFIG' }) as Error);
  });

  it('finds it by the data directory, however long its path, and hears when it is gone', async () => {
    const [alice] = await sandbox.pair();
    const dataDir = join(sandbox.home, 'x'.repeat(120));
    mkdirSync(dataDir);
    const listen = adminListen('auto', dataDir) as { socket: string };
    admin = await startAdmin({ listen, link: alice.link, dataDir, email: ALICE, verb: 'up', version: '0' });
    const client = await AdminClient.find(dataDir);
    expect((await client.status()).email).toBe(ALICE);
    await admin.close();
    expect(existsSync(listen.socket)).toBe(false);
    await expect(client.status()).rejects.toMatchObject({ code: 'ERR_HLNK_RELAY_UNAVAILABLE' });
    await expect(AdminClient.find(dataDir)).rejects.toThrow(/no daemon is running/);
  });
});

describe('the metrics', () => {
  it('have names, units and meanings that a scraper and a person can use', () => {
    for (const { name, type, unit, help } of metrics) {
      expect(name).toMatch(/^(hotlink|process)_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(false);
      if (unit !== undefined) expect(name.endsWith(`_${unit}`)).toBe(true);
      expect(help).toMatch(/\.$|…$/);
      expect(['counter', 'gauge']).toContain(type);
    }
    expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
    expect(readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')).toContain('OpenMetrics');
  });
});
