// The acceptor, situation by situation.
import { describe, expect, it } from 'vitest';
import type { Fingerprint } from '../../native-free/envelope/index.js';
import { type ChannelLookup, type InboundOutput, InboundSessions, type InboundTunables } from '../../native-free/session/index.js';

const SELF = 'me@x.io';
const PEER = 'peer@x.io';
const PATH = 'peer@x.io/m/_mpc/1_to_0/stream.tcp.request';

const RUST: Fingerprint = { kind: 'rust' };
const GO: Fingerprint = { kind: 'go' };
const UNKNOWN: Fingerprint = { kind: 'unknown' };

/** Knows one channel, `c1`, with one peer. */
const known: ChannelLookup = (path, frm) => (path !== PATH ? 'unknown-channel' : frm === PEER ? 'c1' : 'wrong-peer');
const nothing: ChannelLookup = () => 'unknown-channel';

function acceptor(tunables: Partial<InboundTunables> = {}): InboundSessions {
  return new InboundSessions({ self: SELF, tunables });
}

function open(sid: string, fields: { pth?: string; frm?: string; to?: string } = {}) {
  return { typ: 9 as const, sid, pth: PATH, frm: PEER, to: SELF, ...fields };
}

function drain(sessions: InboundSessions): InboundOutput[] {
  const outputs: InboundOutput[] = [];
  for (let output = sessions.poll(); output !== undefined; output = sessions.poll()) outputs.push(output);
  return outputs;
}

const accept = (sid: string): InboundOutput => ({ kind: 'send', message: { typ: 10, sid } });
const acceptedOutput = (sid: string, channelId = 'c1'): InboundOutput => ({ kind: 'accepted', sid, channelId, opener: RUST });

describe('an acceptor', () => {
  it('accepts an Open of the peer of a known channel, once', () => {
    const sessions = acceptor();
    expect(sessions.handleOpen(open('sid-0001'), RUST, known, 0)).toBe('accepted');
    expect(drain(sessions)).toEqual([accept('sid-0001'), acceptedOutput('sid-0001')]);
    expect(sessions.handleOpen(open('sid-0001'), RUST, known, 1)).toBe('duplicate');
    expect(drain(sessions)).toEqual([]);
    expect(sessions.ofChannel('c1')).toEqual({
      sid: 'sid-0001',
      channelId: 'c1',
      peer: PEER,
      path: PATH,
      opener: RUST,
      relayAttached: true,
    });
  });

  it('accepts a broadcast too', () => {
    const sessions = acceptor();
    const { to: _, ...broadcast } = open('sid-0001');
    expect(sessions.handleOpen(broadcast, GO, known, 0)).toBe('accepted');
  });

  it('gives the channel to the newer session of the same peer', () => {
    const sessions = acceptor();
    sessions.handleOpen(open('sid-0001'), RUST, known, 0);
    drain(sessions);
    sessions.handleOpen(open('sid-0002'), RUST, known, 10);
    expect(drain(sessions)).toEqual([
      { kind: 'replaced', oldSid: 'sid-0001', sid: 'sid-0002', channelId: 'c1' },
      accept('sid-0002'),
      acceptedOutput('sid-0002'),
    ]);
    expect([...sessions.all()].map((session) => session.sid)).toEqual(['sid-0002']);
    expect(sessions.handleClose('sid-0001', 'superseded')).toBe('stale');
    expect([drain(sessions), sessions.ofChannel('c1')?.sid]).toEqual([[], 'sid-0002']);
  });

  it.each([
    ['a sid that is empty', open(''), 'bad-sid'],
    ['a sid that is endless', open('x'.repeat(4000)), 'bad-sid'],
    ['a path that escapes', open('sid-0001', { pth: '/etc/passwd' }), 'bad-path'],
    ['a path with dots', open('sid-0001', { pth: 'peer@x.io/../other/stream.tcp.request' }), 'bad-path'],
    ['no word on the sender', { typ: 9 as const, sid: 'sid-0001', pth: PATH }, 'no-sender'],
    ['itself as the sender', open('sid-0001', { frm: SELF }), 'own-open'],
    ['another addressee', open('sid-0001', { to: 'other@x.io' }), 'not-for-us'],
    ["somebody who is not the channel's peer", open('sid-0001', { frm: 'mallory@x.io' }), 'wrong-peer'],
  ] as const)('refuses silently an Open with %s', (_name, message, reason) => {
    const sessions = acceptor();
    expect(sessions.handleOpen(message, UNKNOWN, known, 0)).toBe('refused');
    expect(drain(sessions)).toMatchObject([{ kind: 'refused', reason }]);
    expect([sessions.waitingCount, sessions.timeoutMs()]).toEqual([0, undefined]);
  });
});

describe('an Open for a channel that is not known yet', () => {
  it('is met with silence, and accepted when the channel turns up', () => {
    const sessions = acceptor();
    let lookup = nothing;
    expect(sessions.handleOpen(open('sid-0001'), RUST, (path, frm) => lookup(path, frm), 0)).toBe('waiting');
    sessions.handleChannelAdded(1000);
    expect(drain(sessions)).toEqual([]);
    lookup = known;
    sessions.handleChannelAdded(2000);
    expect(drain(sessions)).toEqual([accept('sid-0001'), acceptedOutput('sid-0001')]);
    sessions.handleChannelAdded(3000);
    expect(drain(sessions)).toEqual([]);
  });

  it('is refused when the channel turns out to be somebody else’s', () => {
    const sessions = acceptor();
    let lookup = nothing;
    sessions.handleOpen(open('sid-0001', { frm: 'mallory@x.io' }), RUST, (path, frm) => lookup(path, frm), 0);
    lookup = known;
    sessions.handleChannelAdded(10);
    expect(drain(sessions)).toMatchObject([{ kind: 'refused', reason: 'wrong-peer' }]);
    expect(sessions.waitingCount).toBe(0);
  });

  it('is forgotten after its time', () => {
    const sessions = acceptor();
    sessions.handleOpen(open('sid-0001'), RUST, nothing, 500);
    expect(sessions.timeoutMs()).toBe(30_500);
    sessions.handleTimeout(30_499);
    expect(sessions.waitingCount).toBe(1);
    sessions.handleTimeout(30_500);
    expect([sessions.waitingCount, sessions.timeoutMs()]).toEqual([0, undefined]);
  });

  it('gives way to the newer Open of the same peer for the same path', () => {
    const sessions = acceptor();
    for (let n = 0; n < 10; n++) sessions.handleOpen(open(`sid-000${n}`), RUST, nothing, n);
    expect(sessions.waitingCount).toBe(1);
  });

  it('cannot be pushed out by a peer that opens thousands', () => {
    const sessions = acceptor();
    let lookup = nothing;
    sessions.handleOpen(open('sid-0001'), RUST, (path, frm) => lookup(path, frm), 0);
    for (let n = 0; n < 5000; n++) {
      sessions.handleOpen(
        open(`flood-${n}`, { frm: 'mallory@x.io', pth: `mallory@x.io/${n}/stream.tcp.request` }),
        UNKNOWN,
        nothing,
        n % 7,
      );
    }
    expect(sessions.waitingCount).toBe(65);
    lookup = known;
    sessions.handleChannelAdded(10);
    expect(drain(sessions)).toContainEqual(acceptedOutput('sid-0001'));
  });

  it('costs a bounded amount of memory from thousands of peers', () => {
    const sessions = acceptor();
    for (let n = 0; n < 5000; n++) sessions.handleOpen(open(`flood-${n}`, { frm: `m${n}@x.io` }), UNKNOWN, nothing, n);
    expect(sessions.waitingCount).toBe(256);
  });

  it('is forgotten when its opener closes it', () => {
    const sessions = acceptor();
    sessions.handleOpen(open('sid-0001'), RUST, nothing, 0);
    expect([sessions.handleClose('sid-0001', 'superseded'), sessions.waitingCount, drain(sessions)]).toEqual(['taken', 0, []]);
  });
});

describe('an inbound session that ends', () => {
  it('is reported, and a late copy of its Open does not bring it back', () => {
    const sessions = acceptor();
    sessions.handleOpen(open('sid-0001'), RUST, known, 0);
    drain(sessions);
    expect(sessions.handleClose('sid-0001', 'bye')).toBe('taken');
    expect(drain(sessions)).toEqual([{ kind: 'closed', sid: 'sid-0001', channelId: 'c1', reason: 'bye' }]);
    expect([sessions.get('sid-0001'), sessions.ofChannel('c1')]).toEqual([undefined, undefined]);
    expect(sessions.handleOpen(open('sid-0001'), RUST, known, 10)).toBe('ended');
  });

  it('does not begin when its Close overtook its Open', () => {
    const sessions = acceptor();
    sessions.handleClose('sid-0001', 'superseded');
    expect(sessions.handleOpen(open('sid-0001'), RUST, known, 1)).toBe('ended');
    expect(drain(sessions)).toEqual([]);
  });

  it('is closed towards the opener when we leave, and not when we only forget it', () => {
    const sessions = acceptor();
    sessions.handleOpen(open('sid-0001'), RUST, known, 0);
    drain(sessions);
    sessions.close('sid-0001', 'shutdown');
    sessions.close('sid-0001', 'shutdown');
    expect(drain(sessions)).toEqual([{ kind: 'send', message: { typ: 13, sid: 'sid-0001', rsn: 'shutdown' } }]);
    sessions.handleOpen(open('sid-0002'), RUST, known, 0);
    drain(sessions);
    sessions.forget('sid-0002');
    expect([drain(sessions), sessions.ofChannel('c1')]).toEqual([[], undefined]);
  });

  it('leaves a bounded memory behind', () => {
    const sessions = acceptor({ maxEnded: 4 });
    for (let n = 0; n < 6; n++) sessions.handleClose(`sid-000${n}`, 'bye');
    expect(sessions.handleOpen(open('sid-0000'), RUST, known, 0)).toBe('accepted');
    expect(sessions.handleOpen(open('sid-0005'), RUST, known, 0)).toBe('ended');
  });
});

describe('an acceptor that is sent Data for a session it has replaced', () => {
  it('tells the opener to come again, once, because the Opens came out of order', () => {
    const sessions = acceptor();
    sessions.handleOpen(open('sid-newer'), RUST, known, 0);
    sessions.handleOpen(open('sid-older'), RUST, known, 1);
    drain(sessions);
    expect(sessions.handleStray('sid-newer')).toBe(true);
    expect(sessions.handleStray('sid-newer')).toBe(false);
    expect(drain(sessions)).toEqual([{ kind: 'send', message: { typ: 13, sid: 'sid-newer', rsn: 'unknown session' } }]);
  });

  it('does not answer for ids it never saw, nor for sessions that the opener closed', () => {
    const sessions = acceptor();
    sessions.handleClose('sid-0001', 'bye');
    expect([sessions.handleStray('sid-0001'), sessions.handleStray('sid-none'), drain(sessions)]).toEqual([false, false, []]);
  });
});

describe('an acceptor whose relay goes and comes', () => {
  it('keeps its sessions, marked as detached, and says nothing of its own accord', () => {
    const sessions = acceptor();
    sessions.handleOpen(open('sid-0001'), RUST, known, 0);
    drain(sessions);
    sessions.handleRelay(false, 10);
    sessions.handleRelay(true, 20);
    expect([drain(sessions), sessions.get('sid-0001')?.relayAttached]).toEqual([[], false]);
    sessions.handleOpen(open('sid-0002'), RUST, known, 30);
    expect(drain(sessions)[0]).toMatchObject({ kind: 'replaced', oldSid: 'sid-0001' });
    expect(sessions.get('sid-0002')?.relayAttached).toBe(true);
  });

  it('accepts a session again on the new connection when asked to, once per connection', () => {
    const sessions = acceptor();
    sessions.handleOpen(open('sid-0001'), RUST, known, 0);
    drain(sessions);
    expect(sessions.reattach('sid-0001')).toBe(false);
    sessions.handleRelay(false, 10);
    expect(sessions.reattach('sid-0001')).toBe(false);
    sessions.handleRelay(true, 20);
    expect([sessions.reattach('sid-0001'), sessions.reattach('sid-0001')]).toEqual([true, false]);
    expect([drain(sessions), sessions.get('sid-0001')?.relayAttached]).toEqual([[accept('sid-0001')], true]);
  });

  it('keeps a session that the relay has forgotten when it is accepted again, and ends one that it refuses', () => {
    const sessions = acceptor();
    sessions.handleOpen(open('sid-0001'), RUST, known, 0);
    drain(sessions);
    sessions.handleRelay(false, 10);
    sessions.handleRelay(true, 20);
    sessions.reattach('sid-0001');
    drain(sessions);
    expect(sessions.handleReject('sid-0001', 'unknown session')).toBe('kept');
    expect([drain(sessions), sessions.get('sid-0001')?.relayAttached]).toEqual([[], false]);
    expect(sessions.handleReject('sid-0001', 'permission denied')).toBe('taken');
    expect(drain(sessions)).toEqual([{ kind: 'closed', sid: 'sid-0001', channelId: 'c1', reason: 'permission denied' }]);
  });

  it('ends a session whose first accept the relay rejects, for whatever reason', () => {
    const sessions = acceptor();
    sessions.handleOpen(open('sid-0001'), RUST, known, 0);
    drain(sessions);
    expect(sessions.handleReject('sid-0001', 'unknown session')).toBe('taken');
    expect(drain(sessions)).toMatchObject([{ kind: 'closed', sid: 'sid-0001' }]);
  });

  it('accepts only when the relay is back what became known while it was away', () => {
    const sessions = acceptor();
    let lookup = nothing;
    sessions.handleOpen(open('sid-0001'), RUST, (path, frm) => lookup(path, frm), 0);
    sessions.handleRelay(false, 10);
    lookup = known;
    sessions.handleChannelAdded(20);
    expect(drain(sessions)).toEqual([]);
    sessions.handleRelay(true, 30);
    expect(drain(sessions)).toEqual([accept('sid-0001'), acceptedOutput('sid-0001')]);
  });
});
