// The benchmarks by name, in the order of `all`.
import type { Bench } from './bench.js';
import { burst } from './burst.js';
import { channels } from './channels.js';
import { ipc } from './ipc.js';
import { keyswap } from './keyswap.js';
import { micro } from './micro.js';
import { nagle } from './nagle.js';
import { pingpong } from './pingpong.js';
import { relayLoad } from './relay-load.js';
import { setup } from './setup.js';
import { threads } from './threads.js';
import { wan } from './wan.js';

export const BENCHES: readonly (readonly [name: string, words: string, bench: Bench])[] = [
  ['burst', 'bulk: one link, both ways, three at once, three parties', burst],
  ['keyswap', 'a Syqure run: 7.5 MiB there and back, 142 times', keyswap],
  ['pingpong', 'round trips from 64 bytes to 1 MiB, with the tail', pingpong],
  ['ipc', 'frames of local IPC: one way, and there and back, with the tail', ipc],
  ['nagle', 'length and body in two writes, without TCP_NODELAY', nagle],
  ['threads', 'whose processor time a WebRTC burst at full rate is', threads],
  ['channels', '1, 8, 64 and 256 channels, idle and busy', channels],
  ['wan', 'long and lossy links between network namespaces (root)', wan],
  ['relay-load', 'a thousand users and 500 busy sessions at our relay, and at a hub of bare ws', relayLoad],
  ['setup', 'what the first byte of a connection costs', setup],
  ['micro', 'frame, ring, reorder and chunker against the obvious versions', micro],
];
