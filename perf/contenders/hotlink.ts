// Ours: a relay, and two data planes as processes with one forward channel between them, on one lane.
import { BENCH_LANES, type BenchLane } from '../../src/bench/lanes.js';
import type { HotlinkOptions } from '../../src/options.js';
import type { Contender } from '../contender.js';
import { EndProcess } from '../end-process.js';
import type { HotlinkEndArguments, HotlinkStatus, ProfilesWritten } from './hotlink-end.js';

const NEAR = 'near@perf.local';
const FAR = 'far@perf.local';

export interface HotlinkContender {
  name?: string;
  lane: BenchLane;
  options?: Partial<HotlinkOptions>;
  /** Told of the two ends as soon as they are up. */
  onOpen?: (ends: { near: EndProcess; far: EndProcess }) => void;
  /** Profiles of every thread are written there while the way is open. */
  profileDir?: string;
  /** Told at the end how many peer connections the largest WebRTC lane of the near end had. */
  onConnections?: (connections: number) => void;
  /** Told of the threads whose profiles were written: the kernel's numbers and roles. */
  onProfiled?: (end: 'near' | 'far', threads: ProfilesWritten['threads']) => void;
}

export function hotlink({ lane, options = {}, name, profileDir, onOpen, onProfiled, onConnections }: HotlinkContender): Contender {
  const { lanes, p2pOnly } = BENCH_LANES[lane];
  return {
    name: name ?? `hotlink, ${lane}`,
    ours: true,
    missing: () => undefined,
    async open({ near, far, target, mtu }) {
      const ends: EndProcess[] = [];
      const close = async (): Promise<void> => {
        const [relay, ...planes] = ends;
        await Promise.all(planes.map((end) => end.stop()));
        await relay?.stop();
      };
      const start = (role: string, args: HotlinkEndArguments): EndProcess => {
        const end = new EndProcess(`hotlink ${role}`, './hotlink-end.js', import.meta.url, args.role === 'near' ? near : far, args);
        ends.push(end);
        return end;
      };
      try {
        const relay = await start('relay', { role: 'relay', host: far.address }).next<{ kind: 'up'; url: string }>('up');
        const common = { server: relay.url, lanes, p2pOnly, iceServers: [], ...options };
        const settings = { ...common, ...(mtu === undefined ? {} : { mtu }) };
        const farEnd = start('far end', { role: 'far', options: { ...settings, email: FAR }, peer: NEAR, dial: target });
        await farEnd.next('up');
        const nearEnd = start('near end', { role: 'near', options: { ...settings, email: NEAR }, peer: FAR });
        const { port } = await nearEnd.next<{ kind: 'up'; port: number }>('up');
        onOpen?.({ near: nearEnd, far: farEnd });
        if (profileDir !== undefined) for (const end of [nearEnd, farEnd]) end.tell({ kind: 'profile', dir: profileDir });
        return {
          dial: { host: '127.0.0.1', port },
          pids: ends.map(({ pid }) => pid),
          async check() {
            if (profileDir !== undefined) {
              for (const end of [nearEnd, farEnd]) {
                end.tell({ kind: 'profiled' });
                onProfiled?.(end === nearEnd ? 'near' : 'far', (await end.next<ProfilesWritten>('profiles')).threads);
              }
            }
            for (const end of [nearEnd, farEnd]) {
              end.tell({ kind: 'status' });
              const status = await end.next<HotlinkStatus>('status');
              if (end === nearEnd) onConnections?.(status.connections);
              if (lane !== 'auto' && status.carriedBy !== lane)
                throw new Error(`it was to be carried by ${lane}, and was by ${status.carriedBy}`);
            }
          },
          close,
        };
      } catch (error) {
        await close();
        throw error;
      }
    },
  };
}
