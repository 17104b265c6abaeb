// A CPU profile of the thread this runs in, taken by an inspector session of that thread. One at a time per thread: several channels share
// one, so all of them are asked and the first that is told to stop hands the profile over. Every thread, main included.

import { readlinkSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { basename } from 'node:path';
import { type MessagePort, threadId } from 'node:worker_threads';

/** What a thread answers on its profile port, once, before the port closes. */
export interface ThreadAnswer {
  threadId: number;
  /** The number by which the kernel knows the thread; undefined where it does not say (Linux does). */
  tid: number | undefined;
  /** A `.cpuprofile` as JSON text; undefined when another port of the same thread took it. */
  profile: string | undefined;
}

let running: Promise<Session> | undefined;

/**
 * Starts a profile of this thread; nothing happens when one is running.
 * @param intervalUs between two samples, microseconds
 */
export async function startProfile(intervalUs: number): Promise<void> {
  running ??= begin(intervalUs);
  await running;
}

/** @returns the profile as JSON text, or undefined when none is running */
export async function stopProfile(): Promise<string | undefined> {
  const taken = running;
  running = undefined;
  if (taken === undefined) return undefined;
  const session = await taken;
  try {
    const { profile } = await session.post('Profiler.stop');
    return JSON.stringify(profile);
  } finally {
    session.disconnect();
  }
}

/**
 * Profiles this thread for whoever holds the other end of `port`, from now until the first message that comes on it. When that end is
 * closed instead, the profile is thrown away.
 */
export function serveProfile(port: MessagePort, intervalUs: number): void {
  let over = false;
  const end = async (answer: boolean): Promise<void> => {
    if (over) return;
    over = true;
    const profile = await stopProfile().catch(() => undefined);
    if (answer) port.postMessage({ threadId, tid: kernelThread(), profile } satisfies ThreadAnswer);
    port.close();
  };
  port.on('message', () => void end(true));
  port.on('close', () => void end(false));
  startProfile(intervalUs).catch(() => end(true));
}

/** @returns the kernel's number of the calling thread; undefined where it does not say */
export function kernelThread(): number | undefined {
  try {
    // The call is made by this thread itself, not by one of libuv's: it is synchronous.
    return Number(basename(readlinkSync('/proc/thread-self')));
  } catch {
    return undefined;
  }
}

async function begin(intervalUs: number): Promise<Session> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: intervalUs });
  await session.post('Profiler.start');
  return session;
}
