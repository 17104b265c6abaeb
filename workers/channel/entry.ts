// What Piscina runs: one never-ending task per channel, or per IPC directory, whose channels come and go on the same thread. Several
// channels share a thread and its image of the addon; the last one to leave a thread ends that image's own threads, since terminating a
// thread with a live image aborts the process.

import { addonLoaded, cleanupAddon } from '../addon.js';
import { IpcHost } from '../ipc/host.js';
import type { ChannelTask, IpcHostTask } from '../messages.js';
import { stackThreads } from '../stack-threads.js';
import { watchThread } from '../thread-health.js';
import { Channel } from './channel.js';

let channels = 0;
let watched = false;
/** The thread's channels: their gauges are taken at each look at the thread. */
const running = new Set<Channel>();

/** Runs a channel, or an IPC directory with its channels, until main says stop. */
export default async function run(task: ChannelTask | IpcHostTask): Promise<void> {
  if ('ipcHost' in task) await new IpcHost(task, (channel) => void runChannel(channel)).stopped;
  else await runChannel(task);
}

async function runChannel(task: ChannelTask): Promise<void> {
  channels += 1;
  if (!watched) {
    watched = true;
    watchThread(task.health, 'channel', () => {
      for (const channel of running) channel.gauge();
      if (addonLoaded()) stackThreads()?.look();
    });
  }
  const leave = (): void => {
    channels -= 1;
    if (channels === 0) cleanupAddon();
  };
  const channel = new Channel(task, leave);
  running.add(channel);
  await channel.stopped;
  running.delete(channel);
}
