// What the dashboard computes before anything is drawn: events cut anywhere, samples that overlap, the words for lanes and troubles, and a
// page that is one answer.
import { Script } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dashboardPage } from '../../src/admin/dashboard/index.js';
import { channelView } from '../../src/admin/dashboard/view/channels.js';
import { Happenings } from '../../src/admin/dashboard/view/happenings.js';
import { carrierView, laneViews } from '../../src/admin/dashboard/view/lanes.js';
import { overview, threadView } from '../../src/admin/dashboard/view/overview.js';
import { SentEvents } from '../../src/admin/dashboard/view/sse.js';
import { Timeline } from '../../src/admin/dashboard/view/timeline.js';
import { troubles } from '../../src/admin/dashboard/view/troubles.js';
import type { ChannelReport, DaemonReport } from '../../src/admin/index.js';
import { createHotlink } from '../../src/index.js';

const NOW = 1_760_000_000_000;

function channel(over: object): ChannelReport {
  const counters = new Proxy({}, { get: () => 0 });
  return {
    key: 'k',
    name: '0_to_1',
    peer: 'bob@example.com',
    shape: 'rendezvous',
    address: '127.0.0.1:9001',
    listening: true,
    addedMs: NOW - 60_000,
    lanes: [],
    sessions: [],
    counters,
    rates: undefined,
    backlogBytes: 0,
    ...over,
  } as unknown as ChannelReport;
}

/** What a data plane that was never started says, with `over` written over it. */
function report(over: object): DaemonReport {
  const status = createHotlink({ email: 'alice@example.com', server: 'http://127.0.0.1:9' }).status();
  const daemon = { pid: 1, version: '1', node: '20', verb: 'up', dataDir: '/d', rssBytes: 1_048_576, cpuUserUs: 0, cpuSystemUs: 0 };
  return { ...status, nowMs: NOW, relay: { state: 'up', since: NOW - 1000 }, threads: [], daemon, channels: [], ...over } as DaemonReport;
}

const rates = (tx: number[], rx = tx, rttMs = tx.map(() => 0)): ChannelReport['rates'] => ({
  txBytesPerSecond: tx.at(-1) ?? 0,
  rxBytesPerSecond: rx.at(-1) ?? 0,
  idleSinceMs: NOW,
  history: { txBytesPerSecond: tx, rxBytesPerSecond: rx, rttMs },
});

describe('sent events', () => {
  it('are the same however the stream is cut', () => {
    const events = [
      { event: 'event', data: '{"id":1,"what":"a: b"}' },
      { event: 'status', data: '{"x":"\\n"}' },
      { event: 'message', data: 'plain' },
    ];
    const text = `id: 1\nevent: event\ndata: ${events[0]?.data}\n\n:\n\nevent: status\ndata: ${events[1]?.data}\n\ndata: plain\n\n`;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 12 }), (cuts) => {
        const sent = new SentEvents();
        const edges = [0, ...cuts.sort((a, b) => a - b), text.length];
        expect(edges.slice(1).flatMap((edge, at) => sent.take(text.slice(edges[at], edge)))).toEqual(events);
      }),
    );
  });

  it('do not wait for one that never ends', () => {
    const sent = new SentEvents();
    const part = 'x'.repeat(1_048_576);
    expect(() => {
      for (let i = 0; i < 10; i += 1) sent.take(part);
    }).toThrow(RangeError);
  });
});

describe('the timeline of a channel', () => {
  it('takes every sample once, although each report brings the last minute again', () => {
    const timeline = new Timeline();
    const samples = Array.from({ length: 400 }, (_, index) => index);
    for (let end = 60; end <= 400; end += 1)
      timeline.add({ rates: rates(samples.slice(end - 60, end)) }, NOW + end * 1000 + ((end * 37) % 300));
    expect(timeline.columns.out).toEqual(samples.slice(100));
    expect(timeline.columns.atSeconds).toHaveLength(300);
    const steps = timeline.columns.atSeconds.slice(1).map((at, index) => at - (timeline.columns.atSeconds[index] as number));
    expect(Math.min(...steps)).toBeGreaterThan(0.5);
  });

  it('takes what it missed from the next report', () => {
    const timeline = new Timeline();
    timeline.add({ rates: rates([1, 2, 3]) }, NOW);
    timeline.add({ rates: rates([1, 2, 3, 4, 5, 6, 7]) }, NOW + 4000);
    expect(timeline.columns.out).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('has no round trip where none was measured, and remembers when the lane changed', () => {
    const timeline = new Timeline();
    timeline.add({ rates: rates([1, 1], [1, 1], [0, 12]), lane: 'relay', laneSinceMs: NOW - 500 }, NOW);
    timeline.add({ rates: rates([1, 1, 1], [1, 1, 1], [0, 12, 13]), lane: 'webrtc', laneSinceMs: NOW + 700 }, NOW + 1000);
    timeline.add({ rates: rates([1, 1, 1, 1], [1, 1, 1, 1], [0, 12, 13, 13]), lane: 'webrtc', laneSinceMs: NOW + 700 }, NOW + 2000);
    expect(timeline.columns.roundTripMs).toEqual([null, 12, 13, 13]);
    expect(timeline.laneChanges.map(({ lane }) => lane)).toEqual(['relay', 'webrtc']);
  });
});

describe('a lane in words', () => {
  const lanes = [
    { lane: 'direct', state: 'off', reason: 'switched off on this side' },
    { lane: 'webrtc', state: 'failed', reason: 'no candidate answered; is UDP blocked?' },
    { lane: 'relay', state: 'carries', reason: '' },
  ];

  it('says what carries, why not better, and what would be better', () => {
    const one = channel({ lane: 'relay', laneReason: 'webrtc failed', lanes });
    expect(carrierView(one)).toEqual({ word: 'relay', tone: 'fair', why: 'webrtc failed' });
    expect(laneViews(one).map(({ name, state, tone }) => `${name} ${state} ${tone}`)).toEqual([
      'direct off quiet',
      'webrtc failed bad',
      'relay carries fair',
    ]);
    expect(troubles(report({ channels: [one] })).map(({ text }) => text)).toEqual([
      'not over direct: switched off on this side',
      'not over webrtc: no candidate answered; is UDP blocked?',
    ]);
  });

  it('tells a data channel through a TURN server from one between the peers', () => {
    const over = (local: string): string =>
      carrierView(channel({ lane: 'webrtc', sessions: [{ lane: 'webrtc', candidates: { local, remote: 'host' } }] })).word;
    expect([over('host'), over('relay')]).toEqual(['webrtc', 'webrtc through TURN']);
  });

  it('is silent about lanes while nothing was sent, and loud about a port that is taken', () => {
    const quiet = channel({ lanes: lanes.map((lane) => ({ ...lane, state: 'idle' })) });
    expect(carrierView(quiet)).toMatchObject({ word: 'no lane', tone: 'quiet' });
    expect(troubles(report({ channels: [quiet] }))).toEqual([]);
    const taken = channel({ listening: false, problem: 'port 9001 is in use' });
    expect(channelView(taken, NOW).place).toBe('does not listen on 127.0.0.1:9001 (rendezvous)');
    expect(troubles(report({ channels: [quiet, taken] }))).toEqual([
      { tone: 'bad', where: '0_to_1 with bob@example.com', text: 'port 9001 is in use' },
    ]);
  });
});

describe('the overview', () => {
  it('sums up channels, and names the relay and a thread that stands still before anything else', () => {
    const thread = { name: 'channel-1', role: 'channel', threadId: 2, utilization: 0.5, delayMeanMs: 1, delayP99Ms: 2, delayMaxMs: 3 };
    const bad = report({
      relay: { state: 'down', since: NOW - 65_000, lastError: 'connection refused' },
      threads: [{ ...thread, ageMs: 9000 }],
      channels: [
        channel({ lane: 'direct', rates: rates([1_048_576]), rttMs: 3 }),
        channel({ lane: 'relay', rates: rates([524_288]), rttMs: 40, backlogBytes: 3 * 1_048_576 }),
        channel({ problem: 'permission denied' }),
      ],
    });
    expect(overview(bad, undefined)).toMatchObject({
      out: '1.5 MiB/s',
      roundTrip: '40 ms',
      channels: '3: 1 direct, 1 relay, 1 in trouble',
      relay: { state: 'down', tone: 'bad' },
      processor: '–',
    });
    const later = { ...bad, nowMs: NOW + 1000, daemon: { ...bad.daemon, cpuUserUs: 1_300_000, cpuSystemUs: 200_000 } };
    expect(overview(later, bad).processor).toBe('150 %');
    expect(troubles(bad).map(({ where, tone }) => `${tone} ${where}`)).toEqual([
      'bad relay',
      'bad thread channel-1',
      'bad 0_to_1 with bob@example.com',
      'fair 0_to_1 with bob@example.com',
    ]);
    expect(threadView({ ...thread, role: 'channel', ageMs: 9000 })).toMatchObject({
      state: 'silent for 9 s',
      tone: 'bad',
      busyText: '50 %',
    });
  });
});

describe('what happened', () => {
  it('is newest first, once, bounded, and can be looked through', () => {
    const happenings = new Happenings();
    for (let id = 1; id <= 300; id += 1)
      happenings.add({ id, atMs: NOW, what: id === 299 ? 'webrtc failed' : 'lane', fields: { sid: `s${id}`, reason: '' } });
    happenings.add({ id: 300, atMs: NOW, what: 'again', fields: {} });
    expect(happenings.matching('')).toHaveLength(256);
    expect(happenings.matching('')[0]).toMatchObject({ id: 300, what: 'lane', detail: 'sid=s300', tone: 'quiet' });
    expect(happenings.matching(' WEBRTC ').map(({ id, tone }) => `${id} ${tone}`)).toEqual(['299 fair']);
  });
});

describe('the page', () => {
  it('is one answer whose scripts can be read, with nothing that its policy would refuse', () => {
    const { html, headers } = dashboardPage();
    const scripts = [...html.matchAll(/<script>(.*?)<\/script>/gs)].map(([, code]) => code as string);
    expect(scripts).toHaveLength(2);
    for (const code of scripts) new Script(code);
    const policy = headers['content-security-policy'] as string;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    const markup = html.replace(/<(script|style)>.*?<\/\1>/gs, '');
    expect(markup).not.toMatch(/\s(style|on\w+)=|https?:|src=/);
  });
});
