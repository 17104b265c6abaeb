// A real WebRTC lane of this thread's addon, and the bare peer connection at its other end, over loopback.
import type { PeerConnection } from 'node-datachannel';
import { loadAddon } from '../../workers/addon.js';
import { WebRtcLane } from '../../workers/lanes/webrtc.js';
import { until } from './sandbox.js';

export interface OpenLane extends AsyncDisposable {
  lane: WebRtcLane;
  peer: PeerConnection;
  /** What came to the peer. */
  received: Buffer[];
  /** Reasons why the lane ended. */
  closed: string[];
  /** How often the lane said that it takes frames again. */
  writable(): number;
}

/** @param peerBytes the largest message that the peer takes @param highBytes the lane's high watermark */
export async function openLane({ peerBytes, highBytes = 1_048_576 }: { peerBytes: number; highBytes?: number }): Promise<OpenLane> {
  const addon = loadAddon();
  const peer: PeerConnection = new addon.PeerConnection('peer', { iceServers: [], bindAddress: '127.0.0.1', maxMessageSize: peerBytes });
  const received: Buffer[] = [];
  // Held: a collected channel closes itself.
  const channels: unknown[] = [];
  const closed: string[] = [];
  let open = false;
  let writable = 0;
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
      datagrams: false,
      ice: { iceServers: [] },
      settings: {
        sctpWindowBytes: 'auto',
        sctpCongestion: 'standard',
        stripes: 'auto',
        batchScheduling: true,
        datagrams: false,
        bufferedHighBytes: highBytes,
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
      writable: () => {
        writable += 1;
      },
      stalled: () => {},
      datagram: () => {},
    },
  );
  peer.onLocalDescription((sdp, type) => void lane.setRemote(type as 'answer', sdp));
  peer.onLocalCandidate((candidate, mid) => lane.addCandidate(candidate, mid));
  const close = async (): Promise<void> => {
    lane.close();
    peer.close();
    await new Promise((resolve) => setImmediate(resolve));
  };
  try {
    await until('the channel is open', () => open);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    lane,
    peer,
    received,
    closed,
    writable: () => writable,
    [Symbol.asyncDispose]: close,
  };
}
