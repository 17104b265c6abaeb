// What Piscina runs: one never-ending task per channel. Several channels share a thread and its image of the addon; the last one to
// leave a thread ends that image's own threads, since terminating a thread with a live image aborts the process.

import { cleanupAddon } from '../addon.js';
import type { ChannelTask } from '../messages.js';
import { Channel } from './channel.js';

let channels = 0;

/** Runs a channel until main says stop. */
export default async function runChannel(task: ChannelTask): Promise<void> {
  channels += 1;
  const leave = (): void => {
    channels -= 1;
    if (channels === 0) cleanupAddon();
  };
  await new Channel(task, leave).stopped;
}
