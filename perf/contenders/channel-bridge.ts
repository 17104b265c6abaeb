// TCP over bare data channels, one per connection, with nothing of ours in between: what a direct use of each stack gives. node-datachannel at the
// same packet size as we use, and werift, WebRTC in TypeScript alone.

import type { Contender } from '../contender.js';
import { EndProcess, introduce } from '../end-process.js';
import type { BridgeArguments } from './channel-bridge-end.js';

/** Packets that both ends of one machine may have (the product's `auto`), and those of a path that nobody knows. */
const SAME_HOST_MTU = 4096;
const UNKNOWN_PATH_MTU = 1280;

function bridge(name: string, stack: BridgeArguments['stack'], slow: boolean): Contender {
  return {
    name,
    slow,
    missing: () => undefined,
    async open({ near, far, target, mtu }) {
      const common = { stack, mtu: mtu ?? (near.loopback ? SAME_HOST_MTU : UNKNOWN_PATH_MTU) };
      const argumentsOf = (role: 'near' | 'far', address: string): BridgeArguments => ({ ...common, role, address, target });
      const ends = [
        new EndProcess(`${name}, near end`, './channel-bridge-end.js', import.meta.url, near, argumentsOf('near', near.address)),
        new EndProcess(`${name}, far end`, './channel-bridge-end.js', import.meta.url, far, argumentsOf('far', far.address)),
      ] as const;
      // Killed, not asked: the addon has nothing worth saving.
      const close = async (): Promise<void> => {
        await Promise.all(ends.map((end) => end.stop('SIGKILL')));
      };
      try {
        const up = ends[0].next<{ kind: 'up'; port: number }>('up');
        introduce(...ends);
        const { port } = await up;
        return { dial: { host: '127.0.0.1', port }, pids: ends.map(({ pid }) => pid), close };
      } catch (error) {
        await close();
        throw error;
      }
    },
  };
}

export const dataChannelBridge = bridge('node-datachannel bridge, naive', 'node-datachannel', false);
export const weriftBridge = bridge('werift bridge (pure TypeScript)', 'werift', true);
