// A peer that opens data channels of its own beside the one that there is: they are closed, and neither carry frames nor keep any.
import type { DataChannel } from 'node-datachannel';
import { afterAll, expect, it } from 'vitest';
import { cleanupAddon } from '../../workers/addon.js';
import { openLane } from '../support/rtc-lane.js';
import { until } from '../support/sandbox.js';

afterAll(() => cleanupAddon());

it('a second data channel is closed, and the lane goes on over its own', async () => {
  await using end = await openLane({ peerBytes: 65_536 });
  const stray: DataChannel = end.peer.createDataChannel('stray');
  let gone = false;
  stray.onClosed(() => {
    gone = true;
  });
  await until('the peer’s channel is closed', () => gone);
  expect(end.lane.trySend(Buffer.from('a frame'))).toBe('taken');
  await until('the frame came', () => end.received.length === 1);
  expect(end.received.map(String)).toEqual(['a frame']);
  expect(end.closed).toEqual([]);
});
