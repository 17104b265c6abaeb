// The package without what it can do without: koffi, OpenTelemetry's API, and the WebRTC addon, be it the library or only its part for this platform.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LaneStatus } from '../../src/status.js';
import { Installed, type Layout, packTree, type Tarball } from '../support/packed.js';

let tarball: Tarball;
beforeAll(() => {
  tarball = packTree();
});
afterAll(() => tarball.remove());

/** What the program below has to tell. */
interface Told {
  warnings: { words: string; reason?: string }[];
  echoed: number;
  lanes: LaneStatus[];
  peersLanes: LaneStatus[];
}

/** Two data planes with a megabyte between them and back; says what they warned of, and how their lanes are. */
const program = (lanes: readonly string[]): string => `
import { once } from 'node:events';
import { startRelay } from 'hotlink/relay';
import { createHotlink } from 'hotlink';

const warnings = [];
const note = ({ reason }, words) => warnings.push({ words, reason });
const log = { debug() {}, info() {}, warn: note, error: note };
const relay = await startRelay({ listen: '127.0.0.1:0' });
const lanes = ${JSON.stringify(lanes)};
const alice = createHotlink({ email: 'alice@example.com', server: relay.url, lanes, threads: 1, log });
const bob = createHotlink({ email: 'bob@example.com', server: relay.url, lanes, threads: 1 });
await Promise.all([alice.start(), bob.start()]);
const there = await alice.connect({ peer: 'bob@example.com', name: 'talk' });
const back = await bob.connect({ peer: 'alice@example.com', name: 'talk' });
back.pipe(back);
there.end(Buffer.alloc(1_000_000, 'x'));
let echoed = 0;
there.on('data', (data) => { echoed += data.length; });
// Of the first data on, the lanes are as they will be.
await once(there, 'data');
const lanesOf = (link) => link.status().channels[0].lanes;
const now = { lanes: lanesOf(alice), peersLanes: lanesOf(bob) };
await once(there, 'end');
await Promise.all([alice.stop(), bob.stop()]);
await relay.close();
console.log(JSON.stringify({ warnings, echoed, ...now }));
`;

async function tell(installed: Installed, lanes: readonly string[]): Promise<Told> {
  const { code, stdout, stderr } = await installed.runProgram('program.mjs', program(lanes));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Told;
}

const lane = (lanes: readonly LaneStatus[], name: string): LaneStatus | undefined => lanes.find((one) => one.lane === name);

describe('without koffi and OpenTelemetry', () => {
  it('carries all the same, without a word', { timeout: 60_000 }, async () => {
    const installed = new Installed(tarball, 'flat', ['koffi', '@opentelemetry/api']);
    try {
      const found = await installed.runProgram(
        'find.cjs',
        "for (const name of ['koffi', '@opentelemetry/api']) try { require(name); console.log(name); } catch {}",
      );
      expect(found.stdout).toBe('');
      const { warnings, echoed, lanes } = await tell(installed, ['webrtc', 'relay']);
      expect({ warnings, echoed, webrtc: lane(lanes, 'webrtc')?.state }).toEqual({ warnings: [], echoed: 1_000_000, webrtc: 'carries' });
    } finally {
      installed.remove();
    }
  });
});

const absences: readonly (readonly [what: string, without: string, layout: Layout])[] = [
  ['node-datachannel', 'node-datachannel', 'pnpm'],
  ['the addon of this platform', '@node-datachannel', 'flat'],
];

describe.each(absences)('without %s', (_what, without, layout) => {
  const name = without === 'node-datachannel' ? without : `@node-datachannel/${process.platform}-${process.arch}`;
  let installed: Installed;
  beforeAll(() => {
    installed = new Installed(tarball, layout, [without]);
  });
  afterAll(() => installed.remove());

  it('relay and direct carry, after one clear warning, and status says why WebRTC does not', { timeout: 60_000 }, async () => {
    for (const carrier of ['direct', 'relay']) {
      const { warnings, echoed, lanes, peersLanes } = await tell(installed, ['webrtc', carrier]);
      expect(echoed).toBe(1_000_000);
      expect(warnings).toEqual([{ words: 'webrtc missing', reason: expect.stringContaining(`the optional package ${name}`) }]);
      for (const side of [lanes, peersLanes]) {
        expect(lane(side, carrier)).toMatchObject({ state: 'carries' });
        expect(lane(side, 'webrtc')).toEqual({ lane: 'webrtc', state: 'off', reason: warnings[0]?.reason });
      }
    }
  });

  it('the command carries over what there is, and says what to install', { timeout: 60_000 }, async () => {
    const { code, stdout } = await installed.hotlink('bench', 'pingpong', '--lane', 'direct', '--rounds', '20', '--json');
    expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({ code: 0, ok: true, lane: 'direct' });
    const doctor = await installed.hotlink('doctor', '--email', 'alice@example.com', '--server', 'http://127.0.0.1:1');
    expect(doctor.stdout).toMatch(new RegExp(`warn +addon: no WebRTC on this machine: the optional package ${name}`));
  });
});
