// One round trip through a channel's data path, with a bound on the patience. Main thread.

import { HotlinkError } from '../../native-free/index.js';
import type { Clock } from '../clock.js';
import type { Hotlink } from '../hotlink.js';
import type { ChannelControl } from './channel-control.js';

/** A session, a connection and a fallback fit in. */
const PATIENCE_MS = 5000;
/** A ping or its answer may be lost, for example while the peer's end of a lane comes up; every try is measured by itself. */
const AGAIN_MS = 500;

/** Aborting rejects with `ERR_HLNK_CLOSED`. */
export type PingOptions = Parameters<Hotlink['ping']>[0];
/** One round trip, and the name of the channel that carried it. */
export type PingResult = Awaited<ReturnType<Hotlink['ping']>>;

/** @throws HotlinkError `ERR_HLNK_PEER_UNAVAILABLE`; `ERR_HLNK_CLOSED` when given up or the channel ends first, `ERR_HLNK_WORKER` when its thread dies */
export async function pingOver(
  channel: ChannelControl,
  { peer, timeoutMs = PATIENCE_MS, signal }: PingOptions,
  clock: Clock,
): Promise<PingResult> {
  const { pong, again, forget } = channel.ping();
  let cancelRepeat = (): void => {};
  const repeat = (): void => {
    cancelRepeat = clock.after(AGAIN_MS, () => {
      again();
      repeat();
    });
  };
  repeat();
  let cancelTimeout = (): void => {};
  let aborted = (): void => {};
  const givenUp = new Promise<never>((_resolve, reject) => {
    cancelTimeout = clock.after(timeoutMs, () => {
      const why = channel.status().problem ?? 'is it running, at the same relay, and does it have a channel with us?';
      reject(new HotlinkError('ERR_HLNK_PEER_UNAVAILABLE', `${peer} did not answer within ${timeoutMs} ms: ${why}`));
    });
    aborted = () => reject(new HotlinkError('ERR_HLNK_CLOSED', 'given up'));
    signal?.addEventListener('abort', aborted, { once: true });
    if (signal?.aborted) aborted();
  });
  try {
    const { lane, rttMs } = await Promise.race([pong, givenUp]);
    if (lane === undefined)
      throw new HotlinkError('ERR_HLNK_PEER_UNAVAILABLE', `${peer} runs an upstream client, which answers no pings; look at its status`);
    return { peer, channel: channel.status().name, lane, rttMs };
  } finally {
    forget();
    cancelRepeat();
    cancelTimeout();
    signal?.removeEventListener('abort', aborted);
  }
}
