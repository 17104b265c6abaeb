// The track of a lane's datagrams in orders and with peers that the real stack cannot be brought to (test/workers/datagram-lane.test.ts has that one): a connection
// and tracks of the test's own, and packets made by the other side's real rules.
import type { PeerConnection, Track } from 'node-datachannel';
import { expect, it } from 'vitest';
import { Datagrams, RTP_TYPE } from '../../native-free/datagrams.js';
import type { Addon } from '../../workers/addon.js';
import { DatagramTrack } from '../../workers/lanes/datagram-track.js';

const MTU = 1280;

class OwnTrack {
  open = true;
  closed = false;
  opened: () => void = () => {};
  gone: () => void = () => {};
  message: (packet: Buffer) => void = () => {};
  readonly sent: Buffer[] = [];
  readonly #mid: string;

  constructor(mid = 'datagrams') {
    this.#mid = mid;
  }
  mid(): string {
    return this.#mid;
  }
  isOpen(): boolean {
    return this.open;
  }
  close(): void {
    this.closed = true;
  }
  onOpen(handle: () => void): void {
    this.opened = handle;
  }
  onClosed(handle: () => void): void {
    this.gone = handle;
  }
  onError(): void {}
  onMessage(handle: (packet: Buffer) => void): void {
    this.message = handle;
  }
  sendMessageBinary(packet: Buffer): boolean {
    if (!this.open) throw new Error('Track is closed');
    this.sent.push(Buffer.from(packet));
    return true;
  }
}

function answerer() {
  let handed: (track: Track) => void = () => {};
  const onTrack = (handle: (track: Track) => void): void => {
    handed = handle;
  };
  const connection = { onTrack } as Partial<PeerConnection> as PeerConnection;
  const frames: string[] = [];
  const repairs: string[] = [];
  const track = new DatagramTrack({} as Addon, connection, 'answerer', MTU, {
    guard: (action) => action(),
    frame: (frame) => frames.push(Buffer.from(frame).toString()),
    repair: (message) => {
      repairs.push(Buffer.from(message.subarray(12)).toString());
      return true;
    },
  });
  const peer = new Datagrams(1, MTU, {
    packet: (bytes) => {
      to.message(Buffer.from(bytes));
      return true;
    },
    repair: () => true,
    frame: () => {},
    wake: () => {},
  });
  let to = new OwnTrack();
  return {
    track,
    frames,
    repairs,
    peer,
    hand(own: OwnTrack): OwnTrack {
      handed(own as unknown as Track);
      return own;
    },
    /** Where the peer's packets go. */
    aim(own: OwnTrack): void {
      to = own;
    },
    /** Each has answered the other one's probe, at once. */
    meet(own: OwnTrack): void {
      to = own;
      track.begin();
      peer.begin(performance.now());
      for (const packet of own.sent.splice(0)) peer.packet(packet, performance.now());
      for (const packet of own.sent.splice(0)) peer.packet(packet, performance.now());
    },
  };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

it('takes a track of its name, the first of them, and closes every other', () => {
  const { hand, meet, track } = answerer();
  const other = hand(new OwnTrack('audio'));
  const own = hand(new OwnTrack());
  const second = hand(new OwnTrack());
  expect([other.closed, own.closed, second.closed]).toEqual([true, false, true]);
  meet(own);
  expect(track.offer(bytes('x'), performance.now())).toBe(true);
  expect([other.sent, second.sent]).toEqual([[], []]);
  // One that goes is not the one in use.
  second.gone();
  expect(track.offer(bytes('y'), performance.now())).toBe(true);
  track.close();
  expect(own.closed).toBe(true);
});

it('takes none once it is closed', () => {
  const { hand, track } = answerer();
  track.close();
  expect(hand(new OwnTrack()).closed).toBe(true);
});

it('passes nothing on before the data channel is open, nor behind its close', () => {
  const { frames, hand, meet, peer, track } = answerer();
  const own = hand(new OwnTrack());
  const early = Buffer.from([0x80, RTP_TYPE | 0x80, ...Buffer.alloc(14), ...bytes('early')]);
  own.message(early);
  expect([frames, own.sent]).toEqual([[], []]);
  meet(own);
  expect(peer.offer(bytes('now'), performance.now())).toBe(true);
  track.close();
  expect(peer.offer(bytes('late'), performance.now())).toBe(true);
  expect(frames).toEqual(['now']);
});

it('sends nothing on a track that is not open yet, and asks as soon as it is', () => {
  const { hand, track } = answerer();
  const own = new OwnTrack();
  own.open = false;
  hand(own);
  track.begin();
  expect(track.offer(bytes('x'), performance.now())).toBe(false);
  own.open = true;
  own.opened();
  expect(own.sent).toHaveLength(1);
  track.close();
});

it('repairs at once what is under way on a track that goes, and sends the rest elsewhere', () => {
  const { hand, meet, repairs, track } = answerer();
  const own = hand(new OwnTrack());
  meet(own);
  expect(track.offer(bytes('under way'), performance.now())).toBe(true);
  own.open = false;
  own.gone();
  expect(repairs).toEqual(['under way']);
  expect(track.offer(bytes('x'), performance.now())).toBe(false);
  track.close();
});

it('takes the addon’s refusal in words for one', () => {
  const { hand, meet, track } = answerer();
  const own = hand(new OwnTrack());
  meet(own);
  // It is closed already, and nobody has been told.
  own.open = false;
  expect(track.offer(bytes('x'), performance.now())).toBe(false);
  track.close();
});
