// Toward a peer that is not ours: no acknowledgement, no ping, no credit; what cannot be mended ends loudly. And channels whose lanes are
// restricted (p2p-only, strict).

import { describe, expect, it } from 'vitest';
import { UpstreamNumbers } from '../../native-free/channel/upstream-numbers.js';
import { encodeFrame, FrameView } from '../../native-free/hlnk/index.js';
import type { LaneKind } from '../../native-free/lane.js';
import { type TwinLane, twinLanes } from '../../native-free/lane-twin.js';
import { Side } from './channel-pair.js';

const PATH = 'alice@example.com/app_data/a/b';

function upstream(limits = {}): {
  side: Side;
  session(sid: string, direction?: 'in' | 'out'): void;
  lane(sid: string, kind?: LaneKind): TwinLane;
} {
  const side = new Side(limits, () => 0, 'a/b');
  return {
    side,
    session: (sid, direction = 'out') => side.core.sessionUp({ sid, direction, own: false, epoch: '', path: PATH }, 0),
    lane: (sid, kind = 'relay') => {
      const [lane] = twinLanes({ kind, sid });
      side.core.laneUp(lane, 0);
      return lane;
    },
  };
}

const sent = (lane: TwinLane): { seq: number; path: string; payloadBytes: number }[] => {
  const view = new FrameView();
  const frames = [];
  for (let message = lane.transmit(); message !== undefined; message = lane.transmit()) {
    expect(view.read(message)).toBe('ok');
    const path = new TextDecoder().decode(message.slice(view.pathStart, view.pathStart + view.pathBytes));
    frames.push({ seq: view.seq, path, payloadBytes: view.payloadBytes });
  }
  return frames;
};

describe('toward an upstream peer', () => {
  it('bytes go on without credit, in frames that carry the session path, however long it is', () => {
    const { side, session, lane } = upstream();
    const stream = side.core.openStream(1, true, false, 0);
    session('s1');
    const carrier = lane('s1');
    let bytes = 0;
    for (let i = 0; i < 100; i += 1) {
      expect(side.core.take(stream, new Uint8Array(50_000), -1, 0)).toBe(true);
      for (const frame of sent(carrier)) {
        expect(frame.path).toBe(PATH);
        bytes += frame.payloadBytes;
      }
    }
    expect(bytes).toBe(5_000_000);
    side.core.endStream(stream, 0);
    expect(sent(carrier)).toEqual([]);
    expect([side.core.timeoutMs(), side.count('pings'), side.count('acksSent')]).toEqual([undefined, 0, 0]);
  });

  it('what it sends is delivered beyond any credit', () => {
    const { side, session, lane } = upstream();
    session('s1', 'in');
    const carrier = lane('s1');
    for (let seq = 1; seq <= 60; seq += 1) side.core.frame(carrier, encodeFrame(PATH, `e${seq}`, seq, new Uint8Array(50_000)), true, 0);
    expect(side.count('rxBytes')).toBe(3_000_000);
    expect(side.count('acksSent')).toBe(0);
  });

  it('an empty payload is refused and takes no number: an upstream sender uses none up with it', () => {
    const { side, session, lane } = upstream();
    session('s1', 'in');
    const carrier = lane('s1', 'webrtc');
    side.core.frame(carrier, encodeFrame(PATH, 'e1', 1, new Uint8Array(0)), true, 0);
    expect([side.core.over, side.count('framesRefused'), side.said.at(-1)]).toEqual([false, 1, expect.stringContaining('empty-payload')]);
    side.core.frame(carrier, encodeFrame(PATH, 'e1', 1, new Uint8Array(7)), true, 0);
    expect(side.count('rxBytes')).toBe(7);
  });

  it('no more than the window is held behind a hole; what does not fit ends the channel loudly', () => {
    const { side, session, lane } = upstream({ reorderFrames: 4 });
    session('s1', 'in');
    const carrier = lane('s1');
    const send = (seq: number): void => side.core.frame(carrier, encodeFrame(PATH, `e${seq}`, seq, new Uint8Array(1)), true, 0);
    for (let seq = 2; seq <= 5; seq += 1) send(seq);
    expect(side.failure).toBeUndefined();
    send(6);
    expect(side.failure).toMatch(/^failed ERR_HLNK_GAP session s1: full while waiting for sequence number 1/);
  });

  it('a hole that stays open names the session and the sequence number', () => {
    const { side, session, lane } = upstream();
    session('s1', 'in');
    const carrier = lane('s1');
    side.core.frame(carrier, encodeFrame(PATH, 'e1', 1, new Uint8Array(1)), true, 0);
    side.core.frame(carrier, encodeFrame(PATH, 'e3', 3, new Uint8Array(1)), true, 0);
    expect(side.core.timeoutMs()).toBe(30_000);
    side.core.tick(30_000);
    expect(side.failure).toMatch(/^failed ERR_HLNK_GAP session s1: sequence number 2 never arrived/);
    expect(side.core.over).toBe(true);
  });

  it('a lane that dies with bytes under way ends the channel loudly', () => {
    const { side, session, lane } = upstream();
    session('s1');
    const carrier = lane('s1', 'webrtc');
    side.core.take(side.core.openStream(1, true, false, 0), new Uint8Array(100), -1, 0);
    side.core.laneDown(carrier, 'the path died', 0);
    expect(side.failure).toMatch(/^failed ERR_HLNK_GAP the webrtc lane of session s1 was lost \(the path died\) near sequence number 1/);
  });

  it('a new session counts from 1 again', () => {
    const { side, session, lane } = upstream();
    session('s1');
    const first = lane('s1');
    const stream = side.core.openStream(1, true, false, 0);
    side.core.take(stream, new Uint8Array(100), -1, 0);
    expect(sent(first).map(({ seq }) => seq)).toEqual([1]);
    side.core.sessionDown('s1', 0);
    session('s2');
    const second = lane('s2');
    side.core.take(stream, new Uint8Array(100), -1, 0);
    expect(sent(second).map(({ seq }) => seq)).toEqual([1]);
  });
});

describe('a Go receiver, which counts a path on over all sessions', () => {
  const meet = (side: Side, sid: string, path = PATH): TwinLane => {
    side.core.sessionUp({ sid, direction: 'out', own: false, epoch: '', path, countsOn: true }, 0);
    const [lane] = twinLanes({ kind: 'relay', sid });
    side.core.laneUp(lane, 0);
    return lane;
  };

  it('is sent the next number after a session that was opened again, and 1 on another path', () => {
    const { side } = upstream();
    const stream = side.core.openStream(1, true, false, 0);
    const send = (lane: TwinLane): number[] => {
      side.core.take(stream, new Uint8Array(100), -1, 0);
      return sent(lane).map(({ seq }) => seq);
    };
    const numbers = [send(meet(side, 's1'))];
    side.core.sessionDown('s1', 0);
    const second = meet(side, 's2');
    numbers.push(send(second), send(second));
    side.core.sessionDown('s2', 0);
    numbers.push(send(meet(side, 's3', `${PATH}/other`)));
    side.core.sessionDown('s3', 0);
    numbers.push(send(meet(side, 's4')));
    expect(numbers).toEqual([[1], [2], [3], [1], [4]]);
  });

  it('is sent the next number by the next life of the channel', () => {
    const { side } = upstream();
    const stream = side.core.openStream(1, true, false, 0);
    const lane = meet(side, 's1');
    side.core.take(stream, new Uint8Array(100), -1, 0);
    side.core.laneDown(lane, 'the relay is gone', 0, true);
    expect(side.failure).toMatch(/^failed ERR_HLNK_GAP/);
    expect(side.core.endNumbers()).toEqual([[PATH, 2]]);
    const numbers = new UpstreamNumbers(side.core.endNumbers());
    expect([numbers.begin(PATH, true), numbers.begin(PATH, false)]).toEqual([2, 1]);
  });

  it('that got nothing on this session yet loses nothing with its lane', () => {
    const { side } = upstream();
    const stream = side.core.openStream(1, true, false, 0);
    const first = meet(side, 's1');
    side.core.take(stream, new Uint8Array(100), -1, 0);
    expect(sent(first)).toHaveLength(1);
    side.core.sessionDown('s1', 0);
    side.core.laneDown(meet(side, 's2'), 'the relay is gone', 0, true);
    expect(side.failure).toBeUndefined();
  });
});

describe('a channel that may not use the relay', () => {
  const limits = { relayAllowed: false };

  it('says after ten seconds what is missing, once, and goes on when WebRTC comes up after all', () => {
    const { side, session, lane } = upstream(limits);
    session('s1');
    const stream = side.core.openStream(1, true, false, 0);
    side.core.take(stream, new Uint8Array(100), -1, 0);
    expect(side.core.timeoutMs()).toBe(10_000);
    side.core.tick(10_000);
    side.core.tick(10_001);
    expect(side.said.filter((line) => line.startsWith('failed ERR_HLNK_PEER_UNAVAILABLE'))).toHaveLength(1);
    expect(side.core.timeoutMs()).toBeUndefined();
    const carrier = lane('s1', 'webrtc');
    expect(sent(carrier)).toHaveLength(1);
  });

  it('does not complain while nothing waits for a lane, and has its patience when something does', () => {
    const { side, session } = upstream(limits);
    session('s1');
    side.core.attemptFailed('s1', 'webrtc', 'ICE found no path', 0);
    expect([side.failure, side.core.timeoutMs()]).toEqual([undefined, undefined]);
    side.core.openStream(1, true, false, 100_000);
    expect([side.failure, side.core.timeoutMs()]).toEqual([undefined, 110_000]);
    side.core.tick(110_000);
    expect(side.failure).toContain('no peer-to-peer lane is usable (webrtc: ICE found no path)');
  });
});

describe('a strict channel', () => {
  it('takes a fallback that would be needed for an error at once', () => {
    const { side, session } = upstream({ strict: true });
    session('s1');
    side.core.attemptFailed('s1', 'webrtc', 'ICE found no path', 0);
    expect(side.failure).toMatch(
      /^failed ERR_HLNK_STRICT session s1, path .* sequence number 1: no peer-to-peer lane is usable \(webrtc: ICE found no path\)/,
    );
    expect(side.count('strictViolations')).toBe(1);
  });

  it('does not wait for a peer that accepts nothing', () => {
    const { side } = upstream({ strict: true });
    side.core.take(side.core.openStream(1, true, false, 0), new Uint8Array(1), -1, 0);
    expect(side.core.timeoutMs()).toBe(10_000);
    side.core.tick(10_000);
    expect(side.failure).toMatch(/^failed ERR_HLNK_STRICT no session/);
  });
});
