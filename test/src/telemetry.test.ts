// Stories about the telemetry file: what is in it, when it is written, and that a reader never sees half of it.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChannelCounters, ChannelStatus, SessionStatus, Status } from '../../src/status.js';
import { TelemetryWriter, telemetryOf, telemetryPath, type WriterClock } from '../../src/telemetry/index.js';

const noCounters: ChannelCounters = {
  txPackets: 0,
  txBytes: 0,
  txP2pPackets: 0,
  txDirectPackets: 0,
  txWsPackets: 0,
  txSendMsTotal: 0,
  txSendMsMax: 0,
  rxPackets: 0,
  rxBytes: 0,
  rxWriteMsTotal: 0,
  rxWriteMsMax: 0,
  framesRefused: 0,
  duplicates: 0,
  retransmits: 0,
  gateStalls: 0,
  chunkSteps: 0,
  probes: 0,
  connections: 0,
  resets: 0,
  wsFallbacks: 0,
  strictViolations: 0,
  directRefused: 0,
  acksSent: 0,
  acksReceived: 0,
  pings: 0,
  holeReports: 0,
  creditBreaches: 0,
  lanesSuspected: 0,
  heldFrames: 0,
  windowBytes: 0,
  sealBroken: 0,
  sealRepeats: 0,
  txDatagrams: 0,
  datagramsLost: 0,
};

function session(over: Partial<SessionStatus>): SessionStatus {
  return {
    sid: '01234567-89ab-cdef-0123-456789abcdef',
    direction: 'out',
    peer: 'bob@sandbox.local',
    channel: '0_to_1',
    state: 'accepted',
    webrtc: 'connected',
    direct: 'none',
    client: 'hotlink',
    seq: 7,
    ...over,
  };
}

function channel(counters: Partial<ChannelCounters>, sessions: SessionStatus[], over: Partial<ChannelStatus> = {}): ChannelStatus {
  return {
    key: 'alice@sandbox.local/x/_mpc/0_to_1/stream.tcp.request',
    peer: 'bob@sandbox.local',
    from: 'alice@sandbox.local',
    to: 'bob@sandbox.local',
    port: 13_001,
    listening: true,
    connections: 0,
    name: '0_to_1',
    shape: 'rendezvous',
    address: '127.0.0.1:13001',
    addedMs: 1000,
    lanes: [],
    inFlightFrames: 0,
    streams: 0,
    laneBufferedBytes: 0,
    backlogBytes: 0,
    counters: { ...noCounters, ...counters },
    sessions,
    ...over,
  };
}

function status(channels: ChannelStatus[], over: Partial<Status> = {}): Status {
  return {
    email: 'alice@sandbox.local',
    server: 'http://127.0.0.1:1',
    startedMs: 1000,
    nowMs: 5000,
    mode: 'hotlink_p2p_strict',
    strict: true,
    relay: { state: 'up', since: 1000 },
    channels,
    ipc: [],
    totals: {
      p2pOffers: 1,
      p2pAnswersOk: 2,
      p2pAnswersErr: 0,
      strictViolations: 3,
      markersRefused: 0,
      envelopesRefused: 0,
      opensRefused: 0,
      framesRefused: 0,
      badSignals: 0,
    },
    threads: [],
    timings: { offerToDcOpenMs: 42 },
    events: [],
    ...over,
  };
}

describe('the content', () => {
  const busy = status([
    channel(
      {
        txPackets: 10,
        txBytes: 600,
        txP2pPackets: 8,
        txWsPackets: 2,
        txSendMsTotal: 25,
        txSendMsMax: 9.6,
        wsFallbacks: 1,
        strictViolations: 2,
      },
      [
        session({ lane: 'webrtc' }),
        session({ direction: 'in', sid: 'fedcba98-0', webrtc: 'connecting' }),
        session({ state: 'closed', webrtc: 'connected' }),
        session({ state: 'rejected', webrtc: 'none' }),
      ],
      { connections: 1 },
    ),
    channel(
      { txPackets: 5, txP2pPackets: 5, txSendMsMax: 3, rxPackets: 4, rxBytes: 40, rxWriteMsTotal: 2 },
      [session({ state: 'opening', webrtc: 'none' })],
      {
        port: 13_002,
        listening: false,
        problem: 'the port is taken',
      },
    ),
  ]);

  it('sums what channels counted and keeps the older name beside the newer', () => {
    expect(telemetryOf(busy)).toMatchObject({
      mode: 'hotlink_p2p_strict',
      bench_strict: true,
      started_ms: 1000,
      updated_ms: 5000,
      tx_packets: 15,
      tx_bytes: 600,
      tx_p2p_packets: 13,
      tx_quic_packets: 13,
      tx_ws_packets: 2,
      tx_direct_packets: 0,
      tx_avg_send_ms: 25 / 15,
      tx_max_send_ms: 10,
      rx_packets: 4,
      rx_bytes: 40,
      rx_avg_write_ms: 0.5,
      rx_max_write_ms: 0,
      p2p_offers: 1,
      p2p_answers_ok: 2,
      p2p_answers_err: 0,
      ws_fallbacks: 1,
      strict_violations: 3,
      offer_to_dc_open_ms: 42,
      open_to_first_payload_ms: null,
    });
  });

  it('counts only live sessions with an open data channel as connected', () => {
    const telemetry = telemetryOf(busy);
    expect(telemetry.webrtc_connected).toBe(1);
    expect(telemetry.live).toMatchObject({ inbound: 1, outbound_accepted: 1, outbound_pending: 2, webrtc_connected: 1, tcp_proxies: 2 });
  });

  it('keeps a connected session while no application is connected', () => {
    const idle = telemetryOf(status([channel({}, [session({})], { connections: 0 })]));
    expect(idle.webrtc_connected).toBe(1);
    expect(idle.live.proxies[0]).toMatchObject({ port: 13_001, connected: false, listening: true });
  });

  it('lists sessions with eight characters of their sid, and proxies', () => {
    const { live } = telemetryOf(busy);
    expect(live.sessions_in).toEqual([{ sid: 'fedcba98', peer: 'bob@sandbox.local', channel: '0_to_1', webrtc: 'connecting' }]);
    expect(live.sessions_out[0]).toEqual({
      sid: '01234567',
      peer: 'bob@sandbox.local',
      channel: '0_to_1',
      webrtc: 'connected',
      lane: 'webrtc',
      status: 'accepted',
      seq: 7,
    });
    expect(live.sessions_out.map((one) => one.status)).toEqual(['accepted', 'rejected', 'pending']);
    expect(live.proxies[0]).toMatchObject({
      port: 13_001,
      from: 'alice@sandbox.local',
      to: 'bob@sandbox.local',
      connected: true,
      tx_ws_packets: 2,
    });
    expect(live.proxies[1]).toMatchObject({ port: 13_002, connected: false, problem: 'the port is taken' });
  });

  it('has no average before the first packet', () => {
    expect(telemetryOf(status([]))).toMatchObject({ tx_avg_send_ms: 0, rx_avg_write_ms: 0, tx_max_send_ms: 0 });
  });

  it('lies where upstream readers look', () => {
    expect(telemetryPath('/d', 'a@b.co')).toBe(join('/d', 'datasites', 'a@b.co', '.syftbox', 'hotlink_telemetry.json'));
  });
});

/** Time that moves only when told to. */
class HandClock implements WriterClock {
  now = 10_000;
  timers: { atMs: number; callback: () => void }[] = [];
  nowMs(): number {
    return this.now;
  }
  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.now + delayMs, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((one) => one !== timer);
    };
  }
  advance(ms: number): void {
    this.now += ms;
    const due = this.timers.filter((one) => one.atMs <= this.now);
    this.timers = this.timers.filter((one) => one.atMs > this.now);
    for (const timer of due) timer.callback();
  }
}

describe('the writer', () => {
  let dir: string;
  let path: string;
  let clock: HandClock;
  let snapshots: number;
  const warnings: string[] = [];
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_: object, text: string) => warnings.push(text),
    error: () => undefined,
  };

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'hotlink-telemetry-'));
    path = join(dir, 'deep', 'down', 'hotlink_telemetry.json');
    clock = new HandClock();
    snapshots = 0;
    warnings.length = 0;
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const writer = (where = path): TelemetryWriter =>
    new TelemetryWriter({
      path: where,
      clock,
      log,
      snapshot: () => {
        snapshots++;
        return status([], { nowMs: clock.now });
      },
    });
  const updatedMs = async (): Promise<number> => JSON.parse(await readFile(path, 'utf8')).updated_ms as number;

  it('writes at start, creates the directory, and leaves no temporary file', async () => {
    const one = writer();
    await one.start();
    expect(await updatedMs()).toBe(10_000);
    expect(await readdir(dirname(path))).toEqual(['hotlink_telemetry.json']);
    await one.stop();
  });

  it('writes at most once a second while things change', async () => {
    const one = writer();
    await one.start();
    for (let change = 0; change < 100; change++) one.changed();
    clock.advance(999);
    expect(snapshots).toBe(1);
    clock.advance(1);
    expect(snapshots).toBe(2);
    await one.stop();
  });

  it('writes at once on the first change after a quiet while', async () => {
    const one = writer();
    await one.start();
    clock.advance(2500);
    one.changed();
    clock.advance(0);
    expect(snapshots).toBe(2);
    await one.stop();
  });

  it('writes every three seconds when nothing happens', async () => {
    const one = writer();
    await one.start();
    clock.advance(2999);
    expect(snapshots).toBe(1);
    clock.advance(1);
    await one.flush();
    const before = snapshots;
    clock.advance(3000);
    expect(snapshots).toBe(before + 1);
    await one.stop();
  });

  it('writes at once when a socket closes, and once more at the end', async () => {
    const one = writer();
    await one.start();
    clock.advance(5);
    await one.flush();
    expect(await updatedMs()).toBe(10_005);
    clock.advance(5);
    await one.stop();
    expect(await updatedMs()).toBe(10_010);
    const before = snapshots;
    one.changed();
    await one.flush();
    clock.advance(10_000);
    expect(snapshots).toBe(before);
    expect(clock.timers).toEqual([]);
  });

  it('lets flushes that arrive during a write share the next one', async () => {
    const one = writer();
    await one.start();
    const before = snapshots;
    await Promise.all([one.flush(), one.flush(), one.flush(), one.flush()]);
    expect(snapshots).toBe(before + 2);
    await one.stop();
  });

  it('says once that the disk fails, and goes on', async () => {
    await writeFile(join(dir, 'occupied'), 'a file where a directory should be');
    const one = writer(join(dir, 'occupied', 'hotlink_telemetry.json'));
    await one.start();
    await one.flush();
    await one.stop();
    expect(warnings).toHaveLength(1);
  });
});
