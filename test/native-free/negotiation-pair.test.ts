// Two negotiations with a lossy, reordering relay between them and an addon on each side that would abort on a wrong call.
import { describe, expect, it } from 'vitest';
import { candidatesIn, Negotiation } from '../../native-free/session/index.js';
import { type Party, VirtualNetwork, type Weather } from './session-network.js';

type Gathering = { candidates: number; completeMs: number };

/** One side: a negotiation, and the addon it steers. */
class Side implements Party {
  readonly net: VirtualNetwork;
  readonly negotiation: Negotiation;
  readonly name: string;
  readonly gathering: Gathering;
  readonly gathered: string[] = [];
  readonly remote = new Set<string>();
  peer: Side | undefined;
  remoteSet = 0;
  failed: string[] = [];

  constructor(net: VirtualNetwork, role: 'offerer' | 'answerer', gathering: Gathering) {
    this.net = net;
    this.name = role;
    this.gathering = gathering;
    this.negotiation = new Negotiation({ role });
  }

  start(nowMs: number): void {
    this.negotiation.start(nowMs);
    if (this.negotiation.role === 'offerer') this.describe('offer', nowMs);
  }

  timeoutMs(): number | undefined {
    return this.negotiation.timeoutMs();
  }

  handleTimeout(nowMs: number): void {
    this.negotiation.handleTimeout(nowMs);
  }

  drain(nowMs: number): void {
    for (let out = this.negotiation.poll(); out !== undefined; out = this.negotiation.poll()) {
      expect(this.failed).toEqual([]);
      if (out.kind === 'failed') {
        this.failed.push(out.reason);
      } else if (out.kind === 'send') {
        const { knd, tok, err } = out;
        this.net.send((at) => this.peer?.negotiation.handleSignal(knd, tok, err, at));
      } else if (out.kind === 'set-remote') {
        expect(++this.remoteSet).toBe(1);
        for (const candidate of candidatesIn(out.sdp)) this.remote.add(candidate);
        if (out.type === 'offer') this.describe('answer', nowMs);
        this.connectIfPossible();
      } else {
        expect(this.remoteSet, 'a candidate before the description aborts the process').toBe(1);
        expect(this.remote.has(out.candidate)).toBe(false);
        expect(out.mid).toBe('data');
        this.remote.add(out.candidate);
        this.connectIfPossible();
      }
    }
  }

  /** What the addon does: a bare description at once, candidates one by one, completion. */
  describe(type: 'offer' | 'answer', nowMs: number): void {
    const sdp = `v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:data\r\na=ice-ufrag:${this.name}\r\n`;
    this.net.at(nowMs + 1, (at) => this.negotiation.handleLocalDescription(type, sdp, at));
    const { candidates, completeMs } = this.gathering;
    for (let n = 0; n < candidates; n++) {
      const candidate = `candidate:${n} 1 UDP ${1000 - n} 10.0.0.${n} 5000 typ host ${this.name}`;
      this.net.at(nowMs + 2 + this.net.random() * completeMs, (at) => {
        this.gathered.push(candidate);
        this.negotiation.handleLocalCandidate(candidate, 'data', at);
      });
    }
    this.net.at(nowMs + 3 + completeMs, (at) => {
      this.negotiation.handleGatheringComplete(`${sdp}${this.gathered.map((candidate) => `a=${candidate}\r\n`).join('')}`, at);
    });
  }

  /** ICE needs both descriptions, and one side that knows where the other is. */
  connectIfPossible(): void {
    const { peer } = this;
    if (peer === undefined || this.remoteSet + peer.remoteSet < 2 || this.remote.size + peer.remote.size === 0) return;
    for (const side of [this, peer]) this.net.at(this.net.nowMs + 20, (at) => side.negotiation.handleConnected(at));
  }
}

function exchange(seed: number, weather: Weather, gathering: Gathering): [Side, Side] {
  const net = new VirtualNetwork(seed, weather);
  const offerer = new Side(net, 'offerer', gathering);
  const answerer = new Side(net, 'answerer', gathering);
  offerer.peer = answerer;
  answerer.peer = offerer;
  // Either may be first: an offer may overtake the Accept that starts the answerer.
  net.at(net.random() * 300, (at) => offerer.start(at));
  net.at(net.random() * 300, (at) => answerer.start(at));
  net.run([offerer, answerer], 60_000);
  return [offerer, answerer];
}

const FAST = { candidates: 3, completeMs: 60 };
const SLOW = { candidates: 12, completeMs: 2500 };

describe('two negotiations', () => {
  it.each([
    ['a quiet relay, fast gathering', { drop: 0, duplicate: 0, maxDelayMs: 2 }, FAST],
    ['a quiet relay, slow gathering', { drop: 0, duplicate: 0, maxDelayMs: 2 }, SLOW],
    ['a relay that repeats and reorders', { drop: 0, duplicate: 0.4, maxDelayMs: 600 }, SLOW],
  ])('always connect, and know every candidate of each other: %s', (_name, weather, gathering) => {
    for (let seed = 1; seed <= 60; seed++) {
      const sides = exchange(seed, weather, gathering);
      for (const side of sides) {
        const what = `seed ${seed}, ${side.name}`;
        expect(side.negotiation.state, what).toBe('connected');
        expect([...side.remote].sort(), what).toEqual([...(side.peer?.gathered ?? [])].sort());
        expect([side.timeoutMs(), side.negotiation.badSignals, side.failed], what).toEqual([undefined, 0, []]);
      }
      expect(sides[0].negotiation.offerToOpenMs, `seed ${seed}`).toBeGreaterThan(0);
    }
  });

  it('connect nearly always on a relay that loses every fifth message, and end on both sides when they do not', () => {
    let connected = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const [offerer, answerer] = exchange(seed, { drop: 0.2, duplicate: 0.2, maxDelayMs: 400 }, seed % 2 === 0 ? FAST : SLOW);
      expect(offerer.negotiation.state, `seed ${seed}`).toBe(answerer.negotiation.state);
      expect(offerer.timeoutMs() ?? answerer.timeoutMs(), `seed ${seed}`).toBeUndefined();
      if (offerer.negotiation.state === 'connected') connected++;
      else expect([offerer.failed.length, answerer.failed.length], `seed ${seed}`).toEqual([1, 1]);
    }
    expect(connected).toBeGreaterThan(190);
  });

  it('both give up at the deadline when nothing gets through', () => {
    for (const side of exchange(1, { drop: 1, duplicate: 0, maxDelayMs: 2 }, FAST)) {
      expect(side.negotiation.state).toBe('failed');
      expect(side.failed).toEqual([expect.stringMatching(/^connect deadline: (no offer came|the offer was not answered) within \S+ s$/)]);
    }
  });
});
