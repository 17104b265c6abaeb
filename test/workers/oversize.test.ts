// A real data channel to a peer that takes small messages only: the lane names that limit, refuses what is larger, and goes on working.
import { afterAll, expect, it } from 'vitest';
import { cleanupAddon, loadAddon } from '../../workers/addon.js';
import { WebRtcLane } from '../../workers/lanes/webrtc.js';
import { until } from '../support/sandbox.js';

const LIMIT_BYTES = 20_000;

afterAll(() => cleanupAddon());

it('refuses a message over the limit without harm, and carries the largest one', async () => {
  const addon = loadAddon();
  const peer = new addon.PeerConnection('peer', { iceServers: [], bindAddress: '127.0.0.1', maxMessageSize: LIMIT_BYTES });
  const received: Buffer[] = [];
  // Held: a collected channel closes itself.
  const channels: unknown[] = [];
  let open = false;
  const closed: string[] = [];
  peer.onDataChannel((channel) => {
    channels.push(channel);
    channel.onMessage((message) => received.push(Buffer.from(message as Buffer)));
  });
  const lane = new WebRtcLane(
    addon,
    {
      sid: 's1',
      role: 'offerer',
      own: true,
      probed: false,
      mtu: 1280,
      loopback: true,
      ice: { iceServers: [] },
      settings: {
        sctpWindowBytes: 'auto',
        sctpCongestion: 'standard',
        stripes: 'auto',
        batchScheduling: true,
        bufferedHighBytes: 1_048_576,
        backpressureWaitMs: 1500,
      },
    },
    {
      description: (type, sdp) => peer.setRemoteDescription(sdp, type),
      candidate: () => {},
      // Whole, with its candidates: no exchange to write here.
      gathered: () => {},
      open: () => {
        open = true;
      },
      closed: (_lane, reason) => closed.push(reason),
      frame: () => {},
      writable: () => {},
      stalled: () => {},
    },
  );
  peer.onLocalDescription((sdp, type) => void lane.setRemote(type as 'answer', sdp));
  peer.onLocalCandidate((candidate, mid) => lane.addCandidate(candidate, mid));
  await until('the channel is open', () => open);
  expect(lane.maxFrameBytes).toBe(LIMIT_BYTES);
  expect(lane.trySend(new Uint8Array(LIMIT_BYTES + 1))).toBe('oversize');
  const largest = new Uint8Array(LIMIT_BYTES).map((_, index) => index & 0xff);
  expect(lane.trySend(largest)).toBe('taken');
  await until('it arrived', () => received.length > 0);
  expect(received.map((message) => Buffer.compare(message, largest))).toEqual([0]);
  expect(closed).toEqual([]);
  lane.close();
  peer.close();
  await new Promise((resolve) => setImmediate(resolve));
});
