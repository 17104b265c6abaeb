// The opener, situation by situation. jitter() = 0.5 makes every wait exactly the formula's.
import { describe, expect, it } from 'vitest';
import { type OutboundOptions, type OutboundOutput, OutboundSession } from '../../native-free/session/index.js';

const PATH = 'me@x.io/m/_mpc/0_to_1/stream.tcp.request';
const GO_PATH = 'peer@x.io/m/_mpc/0_to_1/stream.tcp.request';

function opener(options: Partial<OutboundOptions> = {}): OutboundSession {
  let n = 0;
  return new OutboundSession({ path: PATH, peer: 'peer@x.io', newSid: () => `sid-000${++n}`, jitter: () => 0.5, ...options });
}

function drain(session: OutboundSession): OutboundOutput[] {
  const outputs: OutboundOutput[] = [];
  for (let output = session.poll(); output !== undefined; output = session.poll()) outputs.push(output);
  return outputs;
}

const open = (sid: string, pth = PATH): OutboundOutput => ({ kind: 'send', message: { typ: 9, sid, pth, to: 'peer@x.io' } });
const close = (sid: string, rsn: string): OutboundOutput => ({ kind: 'send', message: { typ: 13, sid, rsn } });

/** An opener whose first session, sid-0001, was opened at 0 and accepted at 20. */
function accepted(options: Partial<OutboundOptions> = {}): OutboundSession {
  const session = opener(options);
  session.handleRelay(true, 0);
  session.handleWant(0);
  session.handleAccept('sid-0001', 'rust', 20);
  drain(session);
  return session;
}

describe('an opener', () => {
  it('says nothing before there are bytes', () => {
    const session = opener();
    session.handleRelay(true, 0);
    expect(drain(session)).toEqual([]);
    expect(session.state).toBe('idle');
    expect(session.timeoutMs()).toBeUndefined();
  });

  it('opens once when bytes come, however often it is told', () => {
    const session = opener();
    session.handleRelay(true, 0);
    session.handleWant(5);
    session.handleWant(6);
    expect(drain(session)).toEqual([open('sid-0001')]);
    expect([session.state, session.sid, session.path, session.attempts, session.timeoutMs()]).toEqual([
      'opening',
      'sid-0001',
      PATH,
      1,
      1505,
    ]);
  });

  it('waits for the relay with nothing sent, and opens when it comes', () => {
    const session = opener();
    session.handleWant(0);
    expect([session.state, session.timeoutMs(), drain(session)]).toEqual(['waiting-relay', undefined, []]);
    session.handleRelay(true, 70);
    expect(drain(session)).toEqual([open('sid-0001')]);
  });

  it('is accepted once; the acceptor coming back is told apart', () => {
    const session = opener();
    session.handleRelay(true, 0);
    session.handleWant(0);
    drain(session);
    expect(session.handleAccept('sid-9999', 'rust', 10)).toBe('stale');
    expect(session.handleAccept('sid-0001', 'rust', 20)).toBe('accepted');
    expect(session.handleAccept('sid-0001', 'rust', 30)).toBe('duplicate');
    expect(drain(session)).toEqual([{ kind: 'accepted', sid: 'sid-0001', peerKind: 'rust' }]);
    expect([session.state, session.timeoutMs()]).toEqual(['accepted', undefined]);
  });

  it('asks again under a new sid when nobody answers, ever more slowly, and closes the old one', () => {
    const session = opener();
    session.handleRelay(true, 0);
    session.handleWant(0);
    drain(session);
    const gaps: number[] = [];
    let last = 0;
    for (let n = 1; n <= 6; n++) {
      const at = session.timeoutMs() ?? 0;
      gaps.push(at - last);
      last = at;
      session.handleTimeout(at - 1);
      expect(drain(session)).toEqual([]);
      session.handleTimeout(at);
      expect(drain(session)).toEqual([close(`sid-000${n}`, 'superseded'), open(`sid-000${n + 1}`)]);
    }
    expect(gaps).toEqual([1500, 3000, 6000, 12_000, 15_000, 15_000]);
    expect(session.attempts).toBe(7);
  });

  it('ignores an Accept for a sid it has replaced', () => {
    const session = opener();
    session.handleRelay(true, 0);
    session.handleWant(0);
    session.handleTimeout(1500);
    drain(session);
    expect(session.handleAccept('sid-0001', 'rust', 1510)).toBe('stale');
    expect(session.handleAccept('sid-0002', 'rust', 1520)).toBe('accepted');
  });

  it('spreads its waits by a quarter either way', () => {
    for (const [chance, wait] of [
      [0, 1125],
      [1, 1875],
    ] as const) {
      const session = opener({ jitter: () => chance });
      session.handleRelay(true, 0);
      session.handleWant(0);
      expect(session.timeoutMs()).toBe(wait);
    }
  });
});

describe('an opener whose relay goes and comes', () => {
  it('re-opens an accepted session under a new sid and closes the old one when the new one is accepted', () => {
    const session = accepted();
    session.handleRelay(false, 100);
    expect([session.state, drain(session)]).toEqual(['accepted', []]);
    session.handleRelay(true, 900);
    expect(drain(session)).toEqual([{ kind: 'reopened', oldSid: 'sid-0001', sid: 'sid-0002' }, open('sid-0002')]);
    expect(session.handleAccept('sid-0001', 'rust', 910)).toBe('stale');
    session.handleAccept('sid-0002', 'rust', 920);
    expect(drain(session)).toEqual([close('sid-0001', 'superseded'), { kind: 'accepted', sid: 'sid-0002', peerKind: 'rust' }]);
  });

  it('re-opens also when a new connection takes over without a gap', () => {
    const session = accepted();
    session.handleRelay(true, 900);
    expect(drain(session)[0]).toEqual({ kind: 'reopened', oldSid: 'sid-0001', sid: 'sid-0002' });
  });

  it('goes on re-opening through a second loss, and still closes the first session in the end', () => {
    const session = accepted();
    session.handleRelay(true, 900);
    session.handleRelay(false, 950);
    expect(session.state).toBe('waiting-relay');
    drain(session);
    session.handleRelay(true, 2000);
    expect(drain(session)).toEqual([close('sid-0002', 'superseded'), open('sid-0003')]);
    session.handleAccept('sid-0003', 'rust', 2020);
    expect(drain(session)[0]).toEqual(close('sid-0001', 'superseded'));
  });

  it('throws away what was not sent in time', () => {
    const session = opener();
    session.handleRelay(true, 0);
    session.handleWant(0);
    session.handleRelay(false, 1);
    expect([session.state, drain(session), session.timeoutMs()]).toEqual(['waiting-relay', [], undefined]);
  });

  it('begins with short waits again on a new connection', () => {
    const session = opener();
    session.handleRelay(true, 0);
    session.handleWant(0);
    for (let n = 0; n < 5; n++) session.handleTimeout(session.timeoutMs() ?? 0);
    session.handleRelay(true, 100_000);
    expect(session.timeoutMs()).toBe(101_500);
  });
});

describe('an opener that is refused', () => {
  function refused(reason: string, options: Partial<OutboundOptions> = {}): OutboundSession {
    const session = opener(options);
    session.handleRelay(true, 0);
    session.handleWant(0);
    drain(session);
    session.handleReject('sid-0001', reason, 10);
    return session;
  }

  it('backs off longer when the ACL says no, because it may not have arrived yet', () => {
    const session = refused('permission denied');
    expect(drain(session)).toEqual([{ kind: 'rejected', sid: 'sid-0001', reason: 'permission denied', retryInMs: 2000 }]);
    expect([session.state, session.lastReject, session.timeoutMs()]).toEqual(['backoff', 'permission denied', 2010]);
    const waits: number[] = [];
    for (let n = 2; n <= 7; n++) {
      const at = session.timeoutMs() ?? 0;
      session.handleTimeout(at);
      // The server keeps nothing of a denied Open, so there is no Close.
      expect(drain(session)).toEqual([open(`sid-000${n}`)]);
      session.handleReject(`sid-000${n}`, 'permission denied', at);
      for (const output of drain(session)) if (output.kind === 'rejected') waits.push(output.retryInMs);
    }
    expect(waits).toEqual([4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('forgets the refusal once it is accepted', () => {
    const session = refused('permission denied');
    session.handleTimeout(2010);
    session.handleAccept('sid-0002', 'go', 2020);
    expect([session.state, session.lastReject]).toEqual(['accepted', undefined]);
  });

  it('tries again at once when the server does not know the session, but not twice within the floor', () => {
    const session = accepted();
    session.handleReject('sid-0001', 'unknown session', 60_000);
    expect(drain(session)).toEqual([
      { kind: 'lost', sid: 'sid-0001', reason: 'unknown session' },
      { kind: 'rejected', sid: 'sid-0001', reason: 'unknown session', retryInMs: 0 },
      open('sid-0002'),
    ]);
    session.handleReject('sid-0002', 'unknown session', 60_010);
    expect(session.timeoutMs()).toBe(61_510);
  });

  it('keeps to the floor when the first Open is unknown right away', () => {
    const session = refused('unknown session');
    expect([session.state, session.timeoutMs()]).toEqual(['backoff', 250]);
  });

  it('backs off as for silence for every other reason, and closes what the server may still hold', () => {
    const session = refused('ipc unavailable');
    expect(session.timeoutMs()).toBe(1510);
    drain(session);
    expect(session.handleReject('sid-0001', 'ipc unavailable', 900)).toBe('ignored');
    session.handleTimeout(1510);
    expect(drain(session)).toEqual([close('sid-0001', 'superseded'), open('sid-0002')]);
  });

  it("takes the Accept of the peer's other program after one refused", () => {
    const session = refused('ipc unavailable');
    expect(session.handleAccept('sid-0001', 'rust', 30)).toBe('accepted');
    expect(session.timeoutMs()).toBeUndefined();
  });

  it('stays accepted when another program of the peer refuses late, and knows whom a Reject is for', () => {
    const session = accepted();
    expect(session.handleReject('sid-0001', 'ipc unavailable', 30)).toBe('ignored');
    expect(session.handleReject('sid-7777', 'unknown session', 30)).toBe('stale');
    expect([session.state, drain(session)]).toEqual(['accepted', []]);
  });
});

describe('an opener towards a Go peer', () => {
  it('opens the path that Go maps, and falls back to its own when that is denied', () => {
    const session = opener({ goPath: GO_PATH });
    session.handlePeerKind('go');
    session.handleRelay(true, 0);
    session.handleWant(0);
    expect(drain(session)).toEqual([open('sid-0001', GO_PATH)]);
    session.handleReject('sid-0001', 'permission denied', 10);
    expect(drain(session)).toEqual([
      { kind: 'rejected', sid: 'sid-0001', reason: 'permission denied', retryInMs: 0 },
      open('sid-0002', PATH),
    ]);
    expect(session.handleAccept('sid-0002', 'go', 20)).toBe('accepted');
  });

  it('moves to it when only the Accept tells that the peer is Go', () => {
    const session = opener({ goPath: GO_PATH });
    session.handleRelay(true, 0);
    session.handleWant(0);
    drain(session);
    expect(session.handleAccept('sid-0001', 'go', 10)).toBe('moved');
    expect(drain(session)).toEqual([close('sid-0001', 'superseded'), open('sid-0002', GO_PATH)]);
    expect(session.handleAccept('sid-0002', 'go', 20)).toBe('accepted');
  });

  it('is not sent to and fro by a peer that runs two kinds of program', () => {
    const session = opener({ goPath: GO_PATH });
    session.handleRelay(true, 0);
    session.handleWant(0);
    session.handleAccept('sid-0001', 'go', 10);
    expect(session.handleAccept('sid-0002', 'hotlink', 20)).toBe('accepted');
  });
});

describe('an opener whose acceptor leaves', () => {
  it('opens again after a wait, a longer one each time the session did not last', () => {
    const session = accepted();
    expect(session.handleClose('sid-0001', 'bye', 100)).toBe('taken');
    expect(drain(session)).toEqual([{ kind: 'lost', sid: 'sid-0001', reason: 'bye' }]);
    expect([session.state, session.timeoutMs(), session.sid]).toEqual(['backoff', 1600, undefined]);
    session.handleTimeout(1600);
    expect(drain(session)).toEqual([open('sid-0002')]);
    session.handleAccept('sid-0002', 'rust', 1700);
    session.handleClose('sid-0002', 'bye', 1800);
    expect(session.timeoutMs()).toBe(4800);
    session.handleTimeout(4800);
    session.handleAccept('sid-0003', 'rust', 5000);
    session.handleClose('sid-0003', 'bye', 15_000);
    expect(session.timeoutMs()).toBe(16_500);
  });

  it('does not open again when nothing is left to send', () => {
    const session = accepted();
    session.handleUnwant();
    expect([session.state, drain(session)]).toEqual(['accepted', []]);
    session.handleClose('sid-0001', 'bye', 100);
    expect([session.state, session.timeoutMs()]).toEqual(['idle', undefined]);
    session.handleWant(200);
    expect(session.state).toBe('opening');
  });

  it('gives up a pending Open when nothing is left to send', () => {
    const session = opener();
    session.handleRelay(true, 0);
    session.handleWant(0);
    drain(session);
    session.handleUnwant();
    expect([drain(session), session.state]).toEqual([[close('sid-0001', 'unwanted')], 'idle']);
  });

  it('ignores the Close of a session that is not the live one', () => {
    const session = accepted();
    expect(session.handleClose('sid-5555', 'bye', 100)).toBe('stale');
    expect(session.state).toBe('accepted');
  });
});

describe('an opener that gets a hint', () => {
  it('cuts a back-off short, but not below the floor', () => {
    const session = accepted();
    session.handleClose('sid-0001', 'bye', 100);
    session.handleHint(200);
    expect(session.timeoutMs()).toBe(250);
  });

  it('gives every Open its first wait, and takes one hint in a while, so that two openers cannot chase each other', () => {
    const session = opener();
    session.handleRelay(true, 0);
    session.handleWant(0);
    session.handleHint(100);
    expect(session.timeoutMs()).toBe(1500);
    for (let n = 0; n < 3; n++) session.handleTimeout(session.timeoutMs() ?? 0);
    const openedAt = 1500 + 3000 + 6000;
    session.handleHint(openedAt + 10);
    expect(session.timeoutMs()).toBe(openedAt + 12_000);
    session.handleHint(16_000);
    expect(session.timeoutMs()).toBe(16_000);
  });

  it('re-opens an accepted session on demand', () => {
    const session = accepted();
    session.reopen(500);
    expect(drain(session)).toEqual([{ kind: 'reopened', oldSid: 'sid-0001', sid: 'sid-0002' }, open('sid-0002')]);
  });
});

describe('an opener that is closed', () => {
  it('closes every session it holds at the server, and is deaf afterwards', () => {
    const session = accepted();
    session.handleRelay(true, 100);
    drain(session);
    session.close('shutdown');
    expect(drain(session)).toEqual([close('sid-0001', 'shutdown'), close('sid-0002', 'shutdown')]);
    session.close('again');
    session.handleWant(200);
    session.handleRelay(true, 300);
    expect(session.handleAccept('sid-0002', 'rust', 400)).toBe('stale');
    expect([session.state, session.timeoutMs(), drain(session)]).toEqual(['closed', undefined, []]);
  });

  it('says nothing without a relay', () => {
    const session = accepted();
    session.handleRelay(false, 100);
    session.close('shutdown');
    expect(drain(session)).toEqual([]);
  });
});
