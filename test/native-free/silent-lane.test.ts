// How soon a lane that died quietly is passed over: by each side in its own time, whatever it hears from the peer on another lane meanwhile.
import { describe, expect, it } from 'vitest';
import { ACK_DELAY_MS, PING_FIRST_MS, SUSPECT_MS } from '../../native-free/channel/limits.js';
import { counting, Pair } from './channel-pair.js';

/** Without progress for so long, a side has asked, and waited for the answer. */
const NOTICED_MS = PING_FIRST_MS + SUSPECT_MS;
/** How much earlier `b` notices than `a`. */
const AHEAD_MS = 400;
const BYTES = 3000;

/** Both sides send on a WebRTC lane that dies with their frames; the relay would carry either way. What `a` sent first arrived, and the answer was lost. */
function bothSending(): { pair: Pair; diedMs: number } {
  const pair = new Pair({ creditFloorBytes: 4096, creditBytes: 4096 }).session();
  pair.b.reading = false;
  pair.b.core.sessionUp({ sid: 's2', direction: 'out', own: true, epoch: 'a1', path: 'a/b' }, pair.nowMs);
  pair.a.core.sessionUp({ sid: 's2', direction: 'in', own: true, epoch: 'b1', path: 'a/b' }, pair.nowMs);
  const wire = pair.lane('webrtc');
  const [ours, theirs] = [pair.open(), pair.b.core.openStream(1, true, false, pair.nowMs)];
  wire.lose = (_message, from) => from === 'b';
  pair.b.core.take(theirs, Uint8Array.from(counting(BYTES)), -1, pair.nowMs);
  pair.pass(AHEAD_MS);
  pair.send(ours, BYTES);
  pair.settle();
  wire.moving = false;
  pair.lane('relay', { sid: 's1' });
  pair.lane('relay', { sid: 's2' });
  return { pair, diedMs: pair.nowMs };
}

describe('a lane that fell silent', () => {
  it.each(['hears the peer', 'hears the peer, and is acknowledged,'])(
    'is passed over by the side that %s on another lane as soon as it would be without',
    (what) => {
      const { pair, diedMs } = bothSending();
      pair.pass(NOTICED_MS - AHEAD_MS);
      expect([pair.a.core.lane?.kind, pair.b.core.lane?.kind]).toEqual(['webrtc', 'relay']);
      expect(pair.a.bytes(1)).toBe(BYTES);
      if (what.includes('acknowledged')) pair.b.core.consumed(1, BYTES, pair.nowMs);
      pair.pass(ACK_DELAY_MS);
      expect(pair.a.count('acksReceived') > 0).toBe(what.includes('acknowledged'));
      expect(pair.a.core.lane?.kind).toBe('webrtc');
      // What is sent now goes where nothing arrives, until that shows.
      pair.send(pair.open(2), BYTES);
      pair.pass(diedMs + NOTICED_MS - pair.nowMs + 1);
      expect(pair.nowMs).toBe(diedMs + NOTICED_MS + 1);
      expect(pair.a.core.lane?.kind).toBe('relay');
      expect(pair.b.delivered.get(1)).toEqual(counting(BYTES));
      expect(pair.b.delivered.get(2)).toEqual(counting(BYTES));
    },
  );

  it('is not held to be silent for a question of long ago', () => {
    const pair = new Pair().session();
    const wire = pair.lane('webrtc');
    pair.lane('relay');
    const stream = pair.open();
    pair.send(stream, BYTES);
    pair.pass(ACK_DELAY_MS);
    wire.moving = false;
    pair.a.core.ping(1, pair.nowMs);
    // Nobody looked at the clock, as after a laptop's sleep.
    pair.nowMs += 60_000;
    wire.moving = true;
    pair.a.core.tick(pair.nowMs);
    expect(pair.a.core.lane?.kind).toBe('webrtc');
    pair.pass(5000);
    expect(pair.a.said).not.toContain('carries relay');
  });
});
