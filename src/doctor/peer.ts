// Every lane to one peer, end to end: for each a data plane of its own that may use nothing else, and a few pings over it. Main thread.
import { join } from 'node:path';
import { HotlinkError, LANE_KINDS } from '../../native-free/index.js';
import { EXIT_UNAVAILABLE } from '../cli/exit-code.js';
import { createHotlink } from '../hotlink.js';
import type { HotlinkSettings } from '../options.js';
import type { LaneKind } from '../status.js';
import { type Check, check } from './check.js';

/** ICE gathers and tries for some seconds before it gives up, ms. */
const PATIENCE_MS = 12_000;
const PINGS = 5;

export async function peerChecks(options: HotlinkSettings, peer: string): Promise<Check[]> {
  const checks: Check[] = [];
  // One after the other: the peer has one channel for pings.
  for (const lane of LANE_KINDS) checks.push(await laneCheck(options, peer, lane));
  if (checks.every(({ verdict }) => verdict !== 'ok')) {
    const hint = 'is it running, at this relay, and does it have a channel with us? It answers pings of its channels’ peers only';
    checks.push(check(`peer ${peer}`, 'fail', 'no lane reaches it', hint, EXIT_UNAVAILABLE));
  } else checks.push(check(`peer ${peer}`, 'ok', 'answers'));
  return checks;
}

async function laneCheck({ dataDir, ...options }: HotlinkSettings, peer: string, lane: LaneKind): Promise<Check> {
  const name = `lane ${lane}`;
  const allowed = options.lanes ?? LANE_KINDS;
  if (!allowed.includes(lane) || (lane === 'relay' && options.p2pOnly)) return check(name, 'skip', 'switched off in the settings');
  const identityDir = dataDir === undefined ? {} : { identityDir: join(dataDir, '.syftbox') };
  await using link = createHotlink({ ...options, ...identityDir, lanes: [lane], p2pOnly: false, strict: false, threads: 1 });
  try {
    await link.start();
    const times: number[] = [];
    for (let i = 0; i < PINGS; i += 1) times.push((await link.ping({ peer, timeoutMs: PATIENCE_MS })).rttMs);
    times.sort((a, b) => a - b);
    return check(name, 'ok', `round trip ${(times[Math.floor(PINGS / 2)] as number).toFixed(1)} ms (median of ${PINGS})`);
  } catch (error) {
    if (!(error instanceof HotlinkError)) throw error;
    const why = link.status().channels[0]?.lanes.find((one) => one.lane === lane)?.reason;
    return check(name, 'warn', why || error.message, hints[lane]);
  }
}

const hints: Record<LaneKind, string> = {
  direct: 'one side must be reachable by TCP: give it --direct HOST:PORT and open that port',
  webrtc: 'UDP must get through: see the checks of udp, nat and turn',
  relay: 'see the checks of relay, login and acl',
};
