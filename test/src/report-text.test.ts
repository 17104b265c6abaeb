// What `status` and `top` show a person: which lane and why, what stands in the way, and nothing that a terminal without colours cannot show.
import { describe, expect, it } from 'vitest';
import { COUNTER_NAMES } from '../../native-free/index.js';
import type { ChannelReport, DaemonReport } from '../../src/admin/index.js';
import { plainLines, reportLines } from '../../src/cli/report-text.js';
import { bytesText, columns, durationText, painter, rateText, sparkline } from '../../src/cli/terminal.js';

const NOW = 1_000_000;
const counters = Object.fromEntries(COUNTER_NAMES.map((name) => [name, 0])) as unknown as ChannelReport['counters'];

function channel(over: Partial<ChannelReport>): ChannelReport {
  return {
    key: 'k',
    peer: 'bob@example.com',
    from: 'alice@example.com',
    to: 'bob@example.com',
    port: 9001,
    listening: true,
    connections: 0,
    name: '0_to_1',
    shape: 'rendezvous',
    address: '127.0.0.1:9001',
    addedMs: NOW - 5000,
    lanes: [],
    inFlightFrames: 0,
    streams: 0,
    laneBufferedBytes: 0,
    backlogBytes: 0,
    counters,
    sessions: [],
    rates: undefined,
    ...over,
  };
}

function report(channels: ChannelReport[], over: Partial<DaemonReport> = {}): DaemonReport {
  return {
    email: 'alice@example.com',
    server: 'http://127.0.0.1:8080',
    startedMs: NOW - 65_000,
    nowMs: NOW,
    strict: false,
    relay: { state: 'up', since: NOW - 60_000 },
    channels,
    threads: [{ name: 'main', role: 'main', threadId: 0, utilization: 0.01, delayMeanMs: 0, delayP99Ms: 1, delayMaxMs: 2, ageMs: 10 }],
    events: [],
    ipc: [],
    daemon: { pid: 7, version: '1.0.0', verb: 'up', dataDir: '/data', rssBytes: 100_000_000 },
    ...over,
  } as unknown as DaemonReport;
}

const text = (of: DaemonReport): string => reportLines(of, { paint: (_style, plain) => plain, sparks: true, events: 0 }).join('\n');

describe('a report', () => {
  it('says which lane carries, since when, and why not a better one', () => {
    const lanes: ChannelReport['lanes'] = [
      { lane: 'direct', state: 'failed', reason: 'connection refused' },
      { lane: 'webrtc', state: 'connecting', reason: 'candidates are being tried' },
      { lane: 'relay', state: 'carries', reason: '' },
    ];
    const shown = text(report([channel({ lane: 'relay', laneSinceMs: NOW - 3000, lanes, rttMs: 1.25 })]));
    expect(shown).toMatch(/0_to_1 +bob@example.com +rendezvous +127\.0\.0\.1:9001 +relay +3 s/);
    expect(shown).toContain('0_to_1 with bob@example.com: not over direct: connection refused');
    expect(shown).toContain('0_to_1 with bob@example.com: not over webrtc: candidates are being tried');
    expect(shown).not.toContain('not over relay');
  });

  it('says nothing about lanes worse than the one that carries, or that nobody asked for', () => {
    const lanes: ChannelReport['lanes'] = [
      { lane: 'direct', state: 'carries', reason: '' },
      { lane: 'webrtc', state: 'failed', reason: 'UDP is blocked' },
      { lane: 'relay', state: 'idle', reason: 'not asked for' },
    ];
    expect(text(report([channel({ lane: 'direct', lanes })]))).not.toContain('not over');
    expect(text(report([channel({ lanes: lanes.map((one) => ({ ...one, state: 'idle' as const })) })]))).not.toContain('not over');
  });

  it('tells a relay that is away, a peer that does not answer, a busy port, an application that does not read, and a thread that stands still', () => {
    const opening = { state: 'opening' } as ChannelReport['sessions'][number];
    const threads = [
      { name: 'channel-1', role: 'channel', threadId: 2, utilization: 1, delayMeanMs: 0, delayP99Ms: 0, delayMaxMs: 0, ageMs: 9000 },
    ];
    const of = report(
      [channel({ sessions: [opening] }), channel({ problem: 'port 127.0.0.1:9001 is in use', listening: false, backlogBytes: 3_000_000 })],
      {
        relay: { state: 'down', since: NOW - 4000, lastError: 'connect ECONNREFUSED' },
        threads: threads as DaemonReport['threads'],
      },
    );
    const shown = text(of);
    expect(shown).toContain('relay http://127.0.0.1:8080  down for 4 s (connect ECONNREFUSED)');
    expect(shown).toContain('! the relay is away');
    expect(shown).toContain('the peer has not accepted a session yet');
    expect(shown).toContain('! 0_to_1 with bob@example.com: port 127.0.0.1:9001 is in use');
    expect(shown).toContain('the local application has not taken 2.9 MiB');
    expect(shown).toContain('silent for 9 s');
  });

  it('is one plain line per channel elsewhere', () => {
    const rates = {
      txBytesPerSecond: 2_097_152,
      rxBytesPerSecond: 0,
      history: { txBytesPerSecond: [], rxBytesPerSecond: [], rttMs: [] },
      idleSinceMs: NOW,
    };
    expect(plainLines(report([channel({ lane: 'webrtc', rates, rttMs: 0.4 })]))).toEqual([
      '00:16:40 relay up, 0_to_1 with bob@example.com: webrtc, out 2.0 MiB/s, in –, round trip 0.4 ms',
    ]);
    expect(plainLines(report([]))).toEqual(['00:16:40 relay up, no channels']);
  });
});

describe('the terminal', () => {
  it('gets colours only where it has them and nobody objects', () => {
    const out = { write: () => true, isTTY: true };
    expect(painter(out, {})('red', 'x')).toBe('\x1b[31mx\x1b[0m');
    expect(painter(out, { NO_COLOR: '1' })('red', 'x')).toBe('x');
    expect(painter(out, { TERM: 'dumb' })('red', 'x')).toBe('x');
    expect(painter({ write: () => true }, {})('red', 'x')).toBe('x');
  });

  it.each([
    [bytesText(0), '0 B'],
    [bytesText(999), '999 B'],
    [bytesText(1_048_576), '1.0 MiB'],
    [bytesText(250 * 1_048_576), '250 MiB'],
    [rateText(0), '–'],
    [rateText(1536), '1.5 KiB/s'],
    [durationText(0.42), '0.4 ms'],
    [durationText(61_000), '1 m 1 s'],
    [durationText(90_000_000), '1 d 1 h'],
    [sparkline([0, 1, 4, 8], 6), '   ▁▄█'.replace('▁', '▂').replace('▄', '▅')],
    [sparkline([], 3), '   '],
  ])('%s', (shown, expected) => {
    expect(shown).toBe(expected);
  });

  it('lines columns up whatever is coloured', () => {
    expect(
      columns(
        [
          ['a', '1'],
          ['\x1b[31mbbb\x1b[0m', '22'],
        ],
        [1],
      ),
    ).toEqual(['a     1', '\x1b[31mbbb\x1b[0m  22']);
  });
});
