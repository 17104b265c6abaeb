// Two WebRTC lanes of the real stack, back to back over loopback: small frames go beside the data channel, the others do not, and what a track loses, doubles or
// refuses arrives once all the same. The rules of it, exactly: test/native-free/datagrams*.test.ts.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Audio, PeerConnection, RtcConfig, Track } from 'node-datachannel';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../native-free/hlnk/index.js';
import { type Addon, cleanupAddon, loadAddon } from '../../workers/addon.js';
import { type WebRtcEvents, WebRtcLane } from '../../workers/lanes/webrtc.js';
import { until } from '../support/sandbox.js';

/** What becomes of a packet: how often it goes out, or `refused`. */
type Fate = (packet: Buffer) => number | 'refused';
const carriesFrame = (packet: Buffer): boolean => packet.length > 16;

interface End {
  lane: WebRtcLane;
  /** Sequence numbers of frames that came, in the order in which they did. */
  came: number[];
  /** Called after each that has one. */
  heard: () => void;
  sent: number;
  lost: number;
  closed: string[];
  sdp: string[];
  open: boolean;
}

const CONFIG = {
  sid: 's1',
  own: true,
  probed: false,
  mtu: 1280,
  loopback: true,
  ice: { iceServers: [] },
  settings: { bufferedHighBytes: 1_048_576, backpressureWaitMs: 1500 } as never,
};
const QUIET: WebRtcEvents = {
  description: () => {},
  candidate: () => {},
  gathered: () => {},
  open: () => {},
  closed: () => {},
  frame: () => {},
  writable: () => {},
  stalled: () => {},
  datagram: () => {},
};

/** What a stranger made with the bare addon, which needs it until its thread ends. */
const HELD: { close(): void }[] = [];

const frame = (seq: number, bytes = 64): Uint8Array =>
  encodeFrame(new Uint8Array(0), Buffer.from('h1d-00000001'), seq, new Uint8Array(bytes).fill(seq & 0xff));

/** The addon with a track in between that does with each packet what `fate` says. */
function meddling(addon: Addon, fate: Fate, closed: () => void): Addon {
  // Its methods cannot be replaced.
  const meddle = (track: Track): Track =>
    ({
      mid: () => track.mid(),
      isOpen: () => track.isOpen(),
      close: () => {
        closed();
        track.close();
      },
      onOpen: (handle) => track.onOpen(handle),
      onClosed: (handle) => track.onClosed(handle),
      onError: (handle) => track.onError(handle),
      onMessage: (handle) => track.onMessage(handle),
      sendMessageBinary(packet) {
        const times = fate(packet);
        if (times === 'refused') return false;
        for (let i = 0; i < times; i += 1) track.sendMessageBinary(packet);
        return true;
      },
    }) satisfies Pick<Track, 'mid' | 'isOpen' | 'close' | 'onOpen' | 'onClosed' | 'onError' | 'onMessage' | 'sendMessageBinary'> as Track;
  class Meddled extends (addon.PeerConnection as unknown as new (name: string, config: RtcConfig) => PeerConnection) {
    override addTrack(media: Audio): Track {
      return meddle(super.addTrack(media));
    }
    override onTrack(handle: (track: Track) => void): void {
      super.onTrack((track) => handle(meddle(track)));
    }
  }
  return { ...addon, PeerConnection: Meddled as never, Audio: addon.Audio };
}

async function pair({ fate = () => 1, datagrams = [true, true] }: { fate?: Fate; datagrams?: [boolean, boolean] } = {}) {
  const tracks = { closed: 0 };
  const addon = meddling(loadAddon(), fate, () => {
    tracks.closed += 1;
  });
  const ends: End[] = [];
  const other = (index: number): End | undefined => ends[1 - index];
  for (const role of ['offerer', 'answerer'] as const) {
    const index = ends.length;
    const end: Omit<End, 'lane'> = { came: [], heard: () => {}, sent: 0, lost: 0, closed: [], sdp: [], open: false };
    const events: WebRtcEvents = {
      ...QUIET,
      description: (type, sdp) => {
        end.sdp.push(sdp);
        other(index)?.lane.setRemote(type, sdp);
      },
      candidate: (candidate, mid) => other(index)?.lane.addCandidate(candidate, mid),
      open: () => {
        end.open = true;
      },
      closed: (_lane, reason) => end.closed.push(reason),
      frame: (_lane, message) => {
        const seq = new DataView(message.buffer, message.byteOffset).getUint32(17);
        end.came.push(seq);
        if (seq > 0) end.heard();
      },
      datagram: (lost) => {
        if (lost) end.lost += 1;
        else end.sent += 1;
      },
    };
    ends.push(Object.assign(end, { lane: new WebRtcLane(addon, { ...CONFIG, role, datagrams: datagrams[index] as boolean }, events) }));
  }
  const [near, far] = ends as [End, End];
  await until('both ends are open', () => near.open && far.open);
  return {
    near,
    far,
    tracks,
    async [Symbol.asyncDispose]() {
      for (const { lane } of ends) lane.close();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** Frames there and back, one at a time, until there were enough: a busy machine may take some to answer a probe in time. @returns the next sequence number */
async function rounds(near: End, far: End, enough: (rounds: number) => boolean, from = 1): Promise<number> {
  let seq = from;
  await new Promise<void>((resolve, reject) => {
    const failed = setTimeout(
      () => reject(new Error(`frame ${seq} did not come: ${far.came.length} there, ${near.came.length} back`)),
      40_000,
    );
    const send = (end: End): void => expect(end.lane.trySend(frame(seq))).toBe('taken');
    far.heard = () => send(far);
    near.heard = () => {
      seq += 1;
      if (!enough(seq - 1)) {
        send(near);
        return;
      }
      clearTimeout(failed);
      resolve();
    };
    send(near);
  });
  far.heard = () => {};
  near.heard = () => {};
  return seq;
}

const numbers = (end: number): number[] => Array.from({ length: end - 1 }, (_, index) => index + 1);

afterAll(() => cleanupAddon());

it('an offer with more audio sections than ours costs the process nothing', async () => {
  const addon = loadAddon();
  const offerer = new addon.PeerConnection('stranger', { iceServers: [], bindAddress: '127.0.0.1' });
  for (const [index, mid] of ['datagrams', 'more', 'and more'].entries()) {
    const media = new addon.Audio(mid, 'SendRecv');
    media.addOpusCodec(111);
    media.addSSRC(index + 1, 'stranger');
    HELD.push(offerer.addTrack(media));
  }
  let open = false;
  const lane = new WebRtcLane(
    addon,
    { ...CONFIG, role: 'answerer', datagrams: true },
    {
      ...QUIET,
      description: (type, sdp) => offerer.setRemoteDescription(sdp, type),
      candidate: (candidate, mid) => offerer.addRemoteCandidate(candidate, mid),
      open: () => {
        open = true;
      },
    },
  );
  offerer.onLocalDescription((sdp, type) => void lane.setRemote(type as 'offer', sdp));
  offerer.onLocalCandidate((candidate, mid) => lane.addCandidate(candidate, mid));
  HELD.push(offerer.createDataChannel('hotlink'), offerer);
  await until('the lane is open', () => open);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 5; i += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  lane.close();
  for (const one of HELD) one.close();
  // The addon goes through its tracks when its thread ends: `cleanupAddon`, above.
  await new Promise((resolve) => setImmediate(resolve));
});

describe('small frames of a WebRTC lane', () => {
  it('go beside the data channel, large ones, control frames and bursts do not, and everything arrives', async () => {
    await using ends = await pair();
    const { near, far } = ends;
    let next = await rounds(near, far, () => near.sent > 1000 && far.sent > 1000);
    const before = near.sent;
    // Each for itself: behind a numbered one that went over the data channel the others would go there anyway.
    near.lane.trySend(frame(0));
    await until('the control frame came', () => far.came.length === next);
    near.lane.trySend(frame(next++), true);
    await until('the urgent one came', () => far.came.length === next);
    near.lane.trySend(frame(next++, 2000));
    await until('the large one came', () => far.came.length === next);
    expect(near.sent).toBe(before);
    far.came.splice(far.came.indexOf(0), 1);
    for (let i = 0; i < 500; i += 1) expect(near.lane.trySend(frame(next++))).toBe('taken');
    await until('all came', () => far.came.length === next - 1);
    expect(near.sent - before).toBeLessThan(100);
    expect(far.came.toSorted((a, b) => a - b)).toEqual(numbers(next));
    expect([near.closed, far.closed]).toEqual([[], []]);
  });

  it.each([
    ['loses every 500th', (count: number) => (count % 500 === 499 ? 0 : 1)],
    ['doubles every third', (count: number) => (count % 3 === 0 ? 2 : 1)],
    ['refuses every 500th', (count: number) => (count % 500 === 499 ? 'refused' : 1)],
  ] as [string, (count: number) => number | 'refused'][])('arrive once each over a track that %s of them', async (name, fate) => {
    let count = 0;
    const loses = name.startsWith('loses');
    await using ends = await pair({ fate: (packet) => (carriesFrame(packet) ? fate(count++) : 1) });
    const { near, far } = ends;
    const next = await rounds(near, far, (count) => count >= 2000 && near.sent + far.sent > 600 && (!loses || near.lost + far.lost > 0));
    expect(far.came).toEqual(numbers(next));
    expect(near.came).toEqual(numbers(next));
  });

  it('go beside it again behind one that was lost', async () => {
    let lose = false;
    await using ends = await pair({
      fate: (packet) => {
        if (!lose || !carriesFrame(packet)) return 1;
        lose = false;
        return 0;
      },
    });
    const { near, far } = ends;
    let next = await rounds(near, far, () => near.sent > 50 && far.sent > 50);
    lose = true;
    next = await rounds(near, far, () => near.lost + far.lost > 0, next);
    const before = [near.sent, far.sent] as const;
    next = await rounds(near, far, () => near.sent > before[0] + 50 && far.sent > before[1] + 50, next);
    expect(far.came).toEqual(numbers(next));
    expect(near.came).toEqual(numbers(next));
  });

  it('go beside it however many control frames there are between them', async () => {
    await using ends = await pair();
    const { near, far } = ends;
    let next = await rounds(near, far, () => near.sent > 50 && far.sent > 50);
    let most = 0;
    // A busy machine may leave the track for a while.
    for (let attempt = 0; attempt < 50 && most <= 70; attempt += 1) {
      const before = near.sent;
      for (let i = 0; i < 100; i += 1) {
        near.lane.trySend(frame(0), true);
        next = await rounds(near, far, () => true, next);
      }
      most = Math.max(most, near.sent - before);
    }
    expect(most).toBeGreaterThan(70);
    // Those were counted, too.
    near.lane.trySend(frame(next++, 2000));
    await until('the large one came', () => far.came.at(-1) === next - 1);
    const beside = near.sent;
    await rounds(near, far, () => near.sent > beside + 50, next);
  });

  it('overtake no frame on the data channel, and go beside it again afterwards', async () => {
    await using ends = await pair();
    const { near, far } = ends;
    let next = await rounds(near, far, () => near.sent > 100);
    for (let burst = 0; burst < 20; burst += 1) {
      for (let i = 0; i < 10; i += 1) expect(near.lane.trySend(frame(next++, 60_000))).toBe('taken');
      expect(near.lane.trySend(frame(next++))).toBe('taken');
      await until('all came', () => far.came.length === next - 1);
    }
    expect(far.came).toEqual(numbers(next));
    const before = near.sent;
    near.came.length = next - 1;
    await rounds(near, far, () => near.sent > before + 100, next);
    expect(near.closed).toEqual([]);
  });

  it('that are under way when the lane is closed cost nothing but themselves, at either end', async () => {
    for (const closing of ['near', 'far'] as const) {
      let dropping = false;
      await using ends = await pair({ fate: () => (dropping ? 0 : 1) });
      const { near, far } = ends;
      const next = await rounds(near, far, () => near.sent > 50);
      dropping = true;
      near.lane.trySend(frame(next));
      ends[closing].lane.close();
      await until('the other end knows', () => ends[closing === 'near' ? 'far' : 'near'].closed.length === 1);
      expect([...near.closed, ...far.closed].join()).not.toContain('internal error');
      // Each by its lane.
      expect(ends.tracks.closed).toBe(2);
    }
  });

  it('all go over the data channel where the path takes no such packets', async () => {
    await using ends = await pair({ fate: () => 0 });
    const next = await rounds(ends.near, ends.far, (count) => count === 1000);
    expect(ends.far.came).toEqual(numbers(next));
    expect([ends.near.sent, ends.far.sent]).toEqual([0, 0]);
  });

  it.each([
    ['the offerer', [false, true]],
    ['the answerer', [true, false]],
    ['both', [false, false]],
  ] as [string, [boolean, boolean]][])('all go over the data channel where %s have it switched off', async (_who, datagrams) => {
    await using ends = await pair({ datagrams });
    const next = await rounds(ends.near, ends.far, (count) => count === 500);
    expect(ends.far.came).toEqual(numbers(next));
    expect([ends.near.sent, ends.far.sent]).toEqual([0, 0]);
    expect(ends.near.sdp.join().includes('m=audio')).toBe(datagrams[0]);
  });
});
