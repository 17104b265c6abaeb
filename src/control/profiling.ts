// Takes a CPU profile of every thread of the data plane at once: this one by itself, the others through a port each. A thread that has no
// channel does nothing and is left out. Main thread.

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { HotlinkError } from '../../native-free/errors.js';
import { kernelThread, startProfile, stopProfile, type ThreadAnswer } from '../../workers/profiler.js';
import type { Hotlink } from '../hotlink.js';
import { type NamesOf, refuseUnknown } from '../unknown-options.js';

/** V8's own default is 1000; finer costs the profiled program speed. */
const INTERVAL_US = 1000;
/** A thread that answers nothing for this long after the end is left out, ms: one that is stuck has no profile to give. */
const ANSWER_MS = 5000;
/** What a timer can wait, ms. */
const LONGEST_MS = 2 ** 31 - 1;

type ProfileOptions = Parameters<Hotlink['profile']>[0];
const NAMES: NamesOf<ProfileOptions> = { milliseconds: 1, signal: 1 };

/** The CPU profile of one thread, `main`, `relay`, `channel-1`…; `tid` is the number by which the kernel knows it, in `top -H` or `perf`. */
export type ThreadProfile = Awaited<ReturnType<Hotlink['profile']>>[number];

/** Somebody on another thread to whom a profile port can be given. */
export interface ProfiledThread {
  kind: 'relay' | 'channel';
  /** @returns false when it is stopping and will not answer */
  profile(port: MessagePort, intervalUs: number): boolean;
}

let running = false;

/**
 * @param others channels that share a thread may all be named: their thread is profiled once
 * @param signal aborting it ends the profile early; what was taken so far is returned
 * @returns main first, then the relay worker, then the channel workers in the order they were started
 * @throws HotlinkError `ERR_HLNK_USAGE` for options that cannot be meant, and while another profile is being taken in this process
 */
export async function profileThreads(others: readonly ProfiledThread[], options: ProfileOptions): Promise<ThreadProfile[]> {
  refuseUnknown('profile', options, NAMES, 'ERR_HLNK_USAGE');
  const { milliseconds, signal } = options;
  if (!(milliseconds > 0 && milliseconds <= LONGEST_MS))
    throw new HotlinkError('ERR_HLNK_USAGE', 'milliseconds: how long is missing, or cannot be');
  if (running) throw new HotlinkError('ERR_HLNK_USAGE', 'a profile is being taken already; wait until it is done');
  running = true;
  try {
    await startProfile(INTERVAL_US);
    const asked = others.map(ask);
    await pause(milliseconds, signal);
    const answers = await Promise.all(asked.map(async ({ kind, stop }) => ({ kind, ...(await stop()) })));
    const own = await stopProfile();
    const relay = answers.filter(({ kind }) => kind === 'relay');
    const channels = answers.filter(({ kind, profile }) => kind === 'channel' && profile !== undefined);
    channels.sort((a, b) => a.threadId - b.threadId);
    return [
      { role: 'main', tid: kernelThread(), profile: own },
      ...relay.map(({ tid, profile }) => ({ role: 'relay', tid, profile })),
      ...channels.map(({ tid, profile }, index) => ({ role: `channel-${index + 1}`, tid, profile })),
    ].filter((one): one is ThreadProfile => one.profile !== undefined);
  } finally {
    // After a failure midway; otherwise there is none.
    await stopProfile();
    running = false;
  }
}

interface Asked {
  kind: ProfiledThread['kind'];
  stop(): Promise<ThreadAnswer>;
}

function ask(thread: ProfiledThread): Asked {
  const { port1: mine, port2: theirs } = new MessageChannel();
  const nothing: ThreadAnswer = { threadId: 0, tid: undefined, profile: undefined };
  const answer = new Promise<ThreadAnswer>((resolve) => {
    mine.once('message', resolve);
    mine.once('close', () => resolve(nothing));
    if (!thread.profile(theirs, INTERVAL_US)) resolve(nothing);
  });
  return {
    kind: thread.kind,
    async stop() {
      mine.postMessage('stop');
      const patience = setTimeout(() => mine.close(), ANSWER_MS);
      const got = await answer;
      clearTimeout(patience);
      mine.close();
      return got;
    },
  };
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', done, { once: true });
  });
}
