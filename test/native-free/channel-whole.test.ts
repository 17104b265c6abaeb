// Whole frames toward an upstream peer (local IPC): one application's frame is one message of the session, numbered by it and never cut.
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameView } from '../../native-free/hlnk/index.js';
import type { LaneKind } from '../../native-free/lane.js';
import { type TwinLane, twinLanes } from '../../native-free/lane-twin.js';
import { Side } from './channel-pair.js';

const DIRECTORY = 'alice@example.com/app_data/a/rpc/b';
/** What a Rust peer's data channel takes (wire.md 5.4). */
const RUST_BYTES = 65_535;

const frame = (name: string, bytes: number): Uint8Array => encodeFrame(`${DIRECTORY}/${name}.request`, 'tag', 0, new Uint8Array(bytes));

function laneOf(side: Side, kind: LaneKind, maxFrameBytes = Number.POSITIVE_INFINITY): TwinLane {
  const [lane] = twinLanes({ kind, sid: 's1', maxFrameBytes });
  side.core.laneUp(lane, 0);
  return lane;
}

function sent(lane: TwinLane): [seq: number, path: string, bytes: number][] {
  const view = new FrameView();
  const frames: [number, string, number][] = [];
  for (let message = lane.transmit(); message !== undefined; message = lane.transmit()) {
    expect(view.read(message)).toBe('ok');
    frames.push([view.seq, view.path(), view.payloadBytes]);
  }
  return frames;
}

function upstream(limits = {}): Side {
  const side = new Side(limits, () => 0, 'a/b');
  side.core.sessionUp({ sid: 's1', direction: 'out', own: false, epoch: '', path: `${DIRECTORY}/a.request` }, 0);
  return side;
}

describe('whole frames', () => {
  it('keep their path and size, and get the numbers of the session', () => {
    const side = upstream();
    const relay = laneOf(side, 'relay');
    for (const name of ['a', 'b', 'c']) expect(side.core.sendWhole(frame(name, 100_000), 0)).toBe('taken');
    expect(sent(relay)).toEqual([
      [1, `${DIRECTORY}/a.request`, 100_000],
      [2, `${DIRECTORY}/b.request`, 100_000],
      [3, `${DIRECTORY}/c.request`, 100_000],
    ]);
    expect([side.count('txPackets'), side.count('txBytes'), side.count('txWsPackets')]).toEqual([3, 300_000, 3]);
  });

  it('that a data channel cannot take go through the relay, under the next number, and what follows waits for them', () => {
    const side = upstream();
    const rtc = laneOf(side, 'webrtc', RUST_BYTES);
    expect(side.core.sendWhole(frame('small', 1000), 0)).toBe('taken');
    expect(side.core.sendWhole(frame('large', 100_000), 0)).toBe('no-lane');
    expect(side.said).toContain('want relay s1');
    const relay = laneOf(side, 'relay');
    expect(side.core.sendWhole(frame('large', 100_000), 0)).toBe('taken');
    expect(side.core.sendWhole(frame('after', 1000), 0)).toBe('taken');
    expect(sent(relay)).toEqual([[2, `${DIRECTORY}/large.request`, 100_000]]);
    expect(sent(rtc).map(([seq]) => seq)).toEqual([1, 3]);
  });

  it('that only the relay could take are refused where it may not carry', () => {
    const side = upstream({ relayAllowed: false });
    laneOf(side, 'webrtc', RUST_BYTES);
    expect(side.core.sendWhole(frame('large', 100_000), 0)).toBe('oversize');
    expect(side.core.sendWhole(frame('small', 1000), 0)).toBe('taken');
  });

  it('have no lane before the peer is known, and none toward a peer of ours, to whom they go as a stream', () => {
    const side = new Side({}, () => 0, 'a/b');
    expect(side.core.sendWhole(frame('a', 10), 0)).toBe('no-lane');
    side.core.sessionUp({ sid: 's1', direction: 'out', own: true, epoch: 'e', path: 'a/b' }, 0);
    laneOf(side, 'relay');
    expect(side.core.sendWhole(frame('a', 10), 0)).toBe('no-lane');
  });

  it('do not begin a number that the lane did not take', () => {
    const side = upstream();
    const relay = laneOf(side, 'relay');
    relay.highBytes = 0;
    expect(side.core.sendWhole(frame('a', 10), 0)).toBe('full');
    relay.highBytes = Number.POSITIVE_INFINITY;
    expect(side.core.sendWhole(frame('a', 10), 0)).toBe('taken');
    expect(sent(relay).map(([seq]) => seq)).toEqual([1]);
  });
});
