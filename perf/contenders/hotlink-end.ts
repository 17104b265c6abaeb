// One process of ours in a comparison: the relay, the end that listens (near) or the end that dials (far). Tells its lane's counters, and profiles itself
// when asked.
import '../../src/cli/collector.js';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CarriedBy, carriedBy } from '../../src/bench/lanes.js';
import type { ThreadProfile } from '../../src/control/profiling.js';
import { createHotlink, type HotlinkOptions } from '../../src/index.js';
import { startRelay } from '../../src/relay/index.js';
import type { Address } from '../contender.js';
import type { EndMessage } from '../end-process.js';
import { endArguments, onTold, say } from '../end-talk.js';

export type HotlinkEndArguments =
  | { role: 'relay'; host: string }
  | { role: 'near' | 'far'; options: HotlinkOptions; peer: string; dial?: Address };

export interface HotlinkStatus extends EndMessage {
  kind: 'status';
  carriedBy: CarriedBy;
  /** Peer connections of the largest WebRTC lane. */
  connections: number;
}

export interface ProfilesWritten extends EndMessage {
  kind: 'profiles';
  threads: { role: string; tid: number | undefined }[];
}

/** Longer than any run. */
const PROFILE_MS = 3_600_000;

const args = endArguments<HotlinkEndArguments>();
const stops: (() => Promise<void>)[] = [];
let profile: { taken: Promise<ThreadProfile[]>; end: AbortController; dir: string } | undefined;
const leave = (): void => {
  void (async () => {
    for (const stop of stops.splice(0)) await stop();
    process.exit();
  })();
};
process.once('SIGTERM', leave);

if (args.role === 'relay') {
  onTold(() => undefined, leave);
  const relay = await startRelay({ listen: `${args.host}:0` });
  stops.push(() => relay.close());
  say({ kind: 'up', url: relay.url });
} else {
  const { role, options, peer, dial } = args;
  const link = createHotlink(options);
  stops.push(() => link.stop());
  onTold((message) => void answer(message), leave);
  link.on('fatal', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  await link.start();
  const where = dial === undefined ? { listen: '127.0.0.1:0' } : { dial: `${dial.host}:${dial.port}` };
  const channel = await link.forward({ peer, name: 'perf', ...where });
  say({ kind: 'up', port: channel.address?.port ?? 0 });

  async function answer(message: EndMessage): Promise<void> {
    if (message.kind === 'status') {
      const [channel] = link.status().channels;
      const counters = channel?.counters;
      const packets = counters && {
        tx_p2p_packets: counters.txP2pPackets,
        tx_direct_packets: counters.txDirectPackets,
        tx_ws_packets: counters.txWsPackets,
      };
      const connections = Math.max(0, ...(channel?.sessions.map((session) => session.connections ?? 0) ?? []));
      say({ kind: 'status', carriedBy: carriedBy(packets), connections } satisfies HotlinkStatus);
    } else if (message.kind === 'profile') {
      const end = new AbortController();
      profile = { taken: link.profile({ milliseconds: PROFILE_MS, signal: end.signal }), end, dir: message['dir'] as string };
    } else if (message.kind === 'profiled' && profile !== undefined) {
      const { taken, end, dir } = profile;
      end.abort();
      mkdirSync(dir, { recursive: true });
      const threads = (await taken).map(({ role: thread, tid, profile: text }) => {
        writeFileSync(join(dir, `${role}-${thread}.cpuprofile`), text);
        return { role: thread, tid };
      });
      say({ kind: 'profiles', threads } satisfies ProfilesWritten);
    }
  }
}
