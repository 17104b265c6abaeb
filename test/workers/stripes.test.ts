// The owner of a striped lane's members: how many it asks main for and when, which it ends, and what it says of them. Members are the lane's twins in
// memory, time is the test's.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TwinLane } from '../../native-free/lane-twin.js';
import { encodeReceipt } from '../../native-free/stripes/receipt.js';
import { type StripeMember, Stripes, type StripesConfig, TOO_WIDE } from '../../workers/channel/stripes.js';

const SOON_MS = 500;
const LATE_MS = 3000;
const IDLE_MS = 60_000;

class TestMember extends TwinLane implements StripeMember {
  readonly rttMs = 40;
  readonly mtu: number;
  readonly probed: boolean;

  constructor(probed = false, mtu = 1280) {
    super({ kind: 'webrtc', sid: 's1', maxFrameBytes: 262_144 });
    this.probed = probed;
    this.mtu = mtu;
  }
}

/** A lane that came up, and what its owner said since. */
function scene(config: Partial<StripesConfig> = {}) {
  const said: string[] = [];
  const first = new TestMember();
  const names = new Map<unknown, string>([[first, 'first']]);
  const stripes = new Stripes(
    first,
    { most: 8, atOnce: false, relayed: false, leads: true, ...config },
    {
      frame: () => said.push('frame'),
      writable: () => {},
      closed: (_lane, reason) => said.push(`closed: ${reason}`),
      lost: (from, end) => said.push(`lost ${from} to ${end}`),
      resized: () => {},
      widen: (members, lossy) => said.push(`widen ${members}${lossy ? ' lossy' : ''}`),
      members: (count) => said.push(`members ${count}`),
      dropped: (lane, reason) => said.push(`dropped ${names.get(lane)}: ${reason}`),
      tooWide: (lane) => said.push(`too wide: ${names.get(lane)} of ${lane.mtu}`),
      pressure: () => ({ pressed: false, acknowledgedBytes: 0 }),
      grow: () => {},
    },
  );
  const add = (name: string, member = new TestMember()): TestMember => {
    names.set(member, name);
    expect(stripes.add(member, name)).toBe(true);
    return member;
  };
  return { stripes, first, said, add, take: () => said.splice(0) };
}

describe('the members of a striped lane', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('are asked for at once, as many as both sides take, where a number was asked for', () => {
    const { stripes, take } = scene({ atOnce: true });
    stripes.begin(5);
    expect(take()).toEqual(['widen 5']);
  });

  it('are asked for by the side that does not lead only when the other has had its time', () => {
    const { stripes, take } = scene({ atOnce: true, leads: false });
    stripes.begin(5);
    vi.advanceTimersByTime(LATE_MS - 1);
    expect(take()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(take()).toEqual(['widen 5']);
  });

  it('are not asked for where the lane has to show first that it needs them, or where one side takes one only', () => {
    for (const [config, peerMost] of [
      [{}, 8],
      [{ atOnce: true }, 1],
      [{ atOnce: true, relayed: true }, 8],
    ] as const) {
      const { stripes, take } = scene(config);
      stripes.begin(peerMost);
      vi.advanceTimersByTime(LATE_MS);
      expect(take()).toEqual([]);
    }
  });

  it('are no more than this side takes, and one where a TURN server is in between', () => {
    const two = scene({ most: 2 });
    two.add('o1');
    expect(two.stripes.add(new TestMember(), 'o2')).toBe(false);
    const relayed = scene({ relayed: true });
    expect(relayed.stripes.add(new TestMember(), 'o1')).toBe(false);
  });

  it('that die are brought back where a number was asked for', () => {
    const { stripes, add, take } = scene({ atOnce: true });
    stripes.begin(2);
    const second = add('o1');
    take();
    expect(stripes.remove(second, 'the path died')).toBe(false);
    expect(take()).toEqual(['members 1']);
    vi.advanceTimersByTime(SOON_MS);
    expect(take()).toEqual(['widen 2']);
  });

  it('end the lane with the last of them, and with it whatever was to be asked for', () => {
    const { stripes, first, take } = scene({ atOnce: true, leads: false });
    stripes.begin(2);
    stripes.remove(first, 'the path died');
    expect(take()).toEqual(['closed: the path died']);
    vi.advanceTimersByTime(IDLE_MS);
    expect(take()).toEqual([]);
    expect(stripes.add(new TestMember(), 'o1')).toBe(false);
  });

  it('without anything to do for a minute are ended, all but one, by the side that leads', () => {
    for (const leads of [true, false]) {
      const { stripes, first, add, take } = scene({ leads });
      stripes.begin(8);
      const others = [add('o1'), add('a1')];
      // Something is sent, so that the lane is looked at.
      stripes.lane.trySend(new Uint8Array(100));
      vi.advanceTimersByTime(1000);
      take();
      vi.advanceTimersByTime(IDLE_MS);
      const idle = ': it had nothing to do';
      expect(take()).toEqual(leads ? ['members 2', `dropped o1${idle}`, 'members 1', `dropped a1${idle}`] : []);
      expect(others.map(({ closed }) => closed)).toEqual([leads, leads]);
      expect(first.closed).toBe(false);
      stripes.close();
    }
  });

  it('whose probe does not arrive are ended as too wide for their path, with what they were as large as', () => {
    const { stripes, first, add, take } = scene();
    stripes.begin(8);
    const wide = add('o1', new TestMember(true, 1460));
    expect(wide.waiting).toBe(1);
    for (let ms = 0; ms < 10_000 && !wide.closed; ms += 50) {
      vi.advanceTimersByTime(50);
      // The first one delivers what it has.
      stripes.lane.trySend(new Uint8Array(100));
      while (first.transmit() !== undefined);
      stripes.received(first, encodeReceipt([{ id: 0, heardMessages: 1 + ms / 50 }]));
    }
    expect(take()).toEqual(['members 2', 'members 1', 'too wide: o1 of 1460']);
    expect(TOO_WIDE).toContain('too large');
  });

  it('end without a word when the lane is closed', () => {
    const { stripes, first, add, take } = scene({ atOnce: true, leads: false });
    stripes.begin(2);
    const second = add('o1');
    take();
    stripes.close();
    vi.advanceTimersByTime(IDLE_MS);
    expect(take()).toEqual([]);
    expect([first.closed, second.closed]).toEqual([true, true]);
  });
});
