// Stories about what surrounds a burst: the scene it sets, what it expects of the telemetry, and how it talks.
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { telemetryFailures } from '../../src/bench/assertions.js';
import { type BurstOptions, burstDefaults, partySettings } from '../../src/bench/burst-options.js';
import { emptyResult, mibPerSecond, type PartyTelemetry } from '../../src/bench/burst-result.js';
import { EMAILS, planLinks, writeMarkers } from '../../src/bench/layout.js';
import { freePorts, releasePorts } from '../../src/bench/ports.js';
import { Prober, probe, probeUntilListening } from '../../src/bench/probes.js';
import { Progress } from '../../src/bench/progress.js';
import { burstReport } from '../../src/bench/report.js';

const ports = [1, 2, 3, 4, 5, 6];

describe('the scene', () => {
  it('drives 0→1, 0→2 and 1→2, and exercises both directory layouts', () => {
    const links = planLinks(3, ports);
    expect(links.map((link) => [link.from.party, link.to.party])).toEqual([
      [0, 1],
      [0, 2],
      [1, 2],
    ]);
    expect(links.map((link) => [link.from.channel, link.to.channel])).toEqual([
      ['0_to_1', '1_to_0'],
      ['0_to_2', '0_to_2'],
      ['1_to_2', '2_to_1'],
    ]);
    expect(links.flatMap((link) => [link.from.port, link.to.port])).toEqual(ports);
    expect(planLinks(1, ports)).toHaveLength(1);
  });

  it('writes three files at each end, each naming itself as from, with grants for all', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'hotlink-scene-'));
    try {
      const acls = await writeMarkers(planLinks(3, ports), 'run-1', (email) => join(dir, email));
      expect(acls).toHaveLength(6);
      const channelDir = join(dir, EMAILS[2], 'datasites', EMAILS[2], 'shared/flows/hotlink-burst-3party/run-1/_mpc/0_to_2');
      const marker = JSON.parse(await readFile(join(channelDir, 'stream.tcp'), 'utf8'));
      expect(marker).toEqual({ from: EMAILS[2], to: EMAILS[0], port: 4, ports: { [EMAILS[0]]: 3, [EMAILS[2]]: 4 } });
      expect(await readFile(join(channelDir, 'stream.accept'), 'utf8')).toBe('1');
      const acl = parse(await readFile(join(channelDir, 'syft.pub.yaml'), 'utf8'));
      expect(acl.rules).toEqual([{ pattern: '**', access: { admin: [EMAILS[2]], write: [...EMAILS], read: [...EMAILS] } }]);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it('gets different ports from the system and notices who listens', async () => {
    const [a, b] = (await freePorts(2)) as [number, number];
    expect(a).not.toBe(b);
    const signal = new AbortController().signal;
    expect(await probeUntilListening([a], 150, signal)).toEqual([a]);
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.on('error', () => undefined).resume();
    });
    await new Promise<void>((resolve) => server.listen(a, '127.0.0.1', resolve));
    expect(await probe(a)).toBe(true);
    expect(await probeUntilListening([a], 1000, signal)).toEqual([]);
    const prober = new Prober([a, b], 1);
    await prober.stop();
    expect(prober.probes).toBeGreaterThanOrEqual(1);
    server.close();
    expect(connections).toBeGreaterThanOrEqual(2);
  });

  it.skipIf(process.platform !== 'linux')('keeps the ports it got from others whom the system gives one (needs Linux)', async () => {
    const kept = new Set(await freePorts(500));
    onTestFinished(() => releasePorts(kept));
    const others: number[] = [];
    for (let count = 0; count < 200; count++) {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      others.push((server.address() as AddressInfo).port);
      server.close();
    }
    expect(others.filter((port) => kept.has(port))).toEqual([]);
  });

  it("pins the scenario's environment and never leaks a relay into a strict WebRTC run", () => {
    expect(partySettings(burstDefaults, 0)).toMatchObject({
      SYFTBOX_HOTLINK: '1',
      SYFTBOX_HOTLINK_P2P_ONLY: '1',
      SYFTBOX_HOTLINK_QUIC_ONLY: '1',
      SYFTBOX_HOTLINK_BENCH_STRICT: '1',
      SYFTBOX_HOTLINK_ICE_SERVERS: '',
    });
    // No direct lane in a WebRTC run; the relay is kept out by p2p-only, as in the scenario.
    expect(partySettings(burstDefaults, 1)).toMatchObject({ HOTLINK_LANES: 'webrtc,relay', SYFTBOX_HOTLINK_P2P_ONLY: '1' });
    expect(partySettings({ ...burstDefaults, lane: 'direct' }, 1)).toMatchObject({
      HOTLINK_LANES: 'direct',
      SYFTBOX_HOTLINK_P2P_ONLY: '1',
    });
    const refusing = { ...burstDefaults, refuseWebrtc: true, strict: false, mtu: 1280 };
    expect(partySettings(refusing, 0)).toMatchObject({ HOTLINK_LANES: 'webrtc,relay' });
    expect(partySettings(refusing, 1)).toMatchObject({
      HOTLINK_LANES: 'relay',
      SYFTBOX_HOTLINK_P2P_ONLY: '0',
      SYFTBOX_HOTLINK_BENCH_STRICT: '0',
      HOTLINK_MTU: '1280',
    });
  });
});

describe('what telemetry must say', () => {
  const good: PartyTelemetry = {
    email: 'a@b.co',
    tx_p2p_packets: 9,
    tx_direct_packets: 0,
    tx_ws_packets: 0,
    ws_fallbacks: 0,
    strict_violations: 0,
    webrtc_connected: 2,
    tx_bytes: 1,
    rx_bytes: 1,
  };
  const failures = (options: Partial<BurstOptions>, over: Partial<PartyTelemetry>, sends = true): string[] =>
    telemetryFailures({ ...burstDefaults, ...options }, [{ ...good, ...over }], new Set(sends ? ['a@b.co'] : []));

  it('is nothing but WebRTC after a WebRTC burst', () => {
    expect(failures({}, {})).toEqual([]);
    expect(failures({}, { tx_ws_packets: 1 })).toHaveLength(1);
    expect(failures({}, { ws_fallbacks: 1 })).toHaveLength(1);
    expect(failures({}, { webrtc_connected: 0 })).toHaveLength(1);
    expect(failures({}, { strict_violations: 1 })).toHaveLength(1);
    expect(failures({}, { tx_p2p_packets: 0 })).toHaveLength(1);
  });

  it('lets a party that only receives have sent nothing', () => {
    expect(failures({}, { tx_p2p_packets: 0 }, false)).toEqual([]);
  });

  it('is nothing but relay after a relay burst', () => {
    const relay = { lane: 'relay', strict: false } as const;
    expect(failures(relay, { tx_p2p_packets: 0, tx_ws_packets: 4, webrtc_connected: 0 })).toEqual([]);
    expect(failures(relay, {})).toHaveLength(2);
  });

  it('is free after a burst on any lane', () => {
    expect(failures({ lane: 'auto', strict: false }, { ws_fallbacks: 1, tx_ws_packets: 3, webrtc_connected: 0 })).toEqual([]);
  });
});

describe('how it talks', () => {
  const link = { from: 'a@b.co', to: 'c@d.co', lane: 'webrtc', bytes: 2 ** 20, seconds: 0.5, mibPerSecond: 2, digestOk: true } as const;

  it('draws a bar on a terminal and takes it away again', () => {
    const written: string[] = [];
    const progress = new Progress({ isTTY: true, columns: 80, write: (text) => written.push(text) });
    progress.event({ kind: 'progress', link: 'a → b', bytes: 50, totalBytes: 100 });
    expect(written.join('')).toContain('50 %');
    progress.event({ kind: 'link', link: 'a → b', phase: 'sequential', result: link });
    expect(written.at(-2)).toBe('\r\x1b[K');
    expect(written.at(-1)).toContain('2.0 MiB/s');
  });

  it('writes plain lines anywhere else', () => {
    const written: string[] = [];
    const progress = new Progress({ write: (text) => written.push(text) });
    progress.event({ kind: 'progress', link: 'a → b', bytes: 50, totalBytes: 100 });
    progress.event({ kind: 'talk', text: 'starting' });
    expect(written).toEqual(['starting\n']);
  });

  it('ends with a table and a verdict', () => {
    const result = { ...emptyResult(burstDefaults), ok: true, links: [link], minMibPerSecond: 2 };
    expect(burstReport(result)).toMatch(/a@b\.co +c@d\.co +one by one +webrtc +1 +0\.50 +2\.0 +all equal/);
    expect(burstReport(result)).toContain('ok: every byte arrived intact over webrtc');
    const failed = burstReport({ ...result, ok: false, failures: ['a → c: short'], links: [{ ...link, digestOk: false }] });
    expect(failed).toContain('WRONG');
    expect(failed).toContain('FAILED\n  a → c: short');
  });

  it('counts a MiB as 2^20', () => {
    expect(mibPerSecond(100 * 2 ** 20, 2)).toBe(50);
    expect(mibPerSecond(1, 0)).toBe(0);
  });
});
