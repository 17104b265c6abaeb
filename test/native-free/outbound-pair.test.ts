// An opener and an acceptor with a relay between them that loses, repeats and reorders, while both lose their connections now and then.
// Once the weather is calm there must be one session that both believe in, and Data must flow.
import { describe, expect, it } from 'vitest';
import type { OpenMessage } from '../../native-free/envelope/types.js';
import { InboundSessions, OutboundSession, type SessionMessage } from '../../native-free/session/index.js';
import { type Party, VirtualNetwork, type Weather } from './session-network.js';

const OPENER = 'a@x.io';
const ACCEPTOR = 'b@x.io';
const PATH = 'a@x.io/m/_mpc/0_to_1/stream.tcp.request';

type RelaySession = { openerLine: number; acceptorLines: Set<number>; open: OpenMessage };

/** Everything about one run: two programs, a server with upstream's rules (wire spec, section 2.3), and an owner's reactions. */
class World {
  readonly net: VirtualNetwork;
  readonly outbound: OutboundSession;
  readonly inbound = new InboundSessions({ self: ACCEPTOR });
  readonly acceptsSent = new Map<string, number>();
  readonly sessions = new Map<string, RelaySession>();
  /** Connections are numbered; what belongs to an earlier one is gone. 0 is none. */
  openerLine = 0;
  acceptorLine = 0;
  lines = 0;
  channelKnown = false;
  deliveredAtMs = -1;
  ackedAtMs = 0;

  constructor(seed: number, weather: Weather) {
    this.net = new VirtualNetwork(seed, weather);
    let n = 0;
    this.outbound = new OutboundSession({ path: PATH, peer: ACCEPTOR, newSid: () => `sid-${++n}`, jitter: this.net.random });
  }

  lookup = (path: string, frm: string) => (!this.channelKnown ? 'unknown-channel' : path === PATH && frm === OPENER ? 'c1' : 'wrong-peer');

  parties(): Party[] {
    return [
      {
        timeoutMs: () => this.outbound.timeoutMs(),
        handleTimeout: (nowMs) => this.outbound.handleTimeout(nowMs),
        drain: () => {
          for (let out = this.outbound.poll(); out !== undefined; out = this.outbound.poll()) {
            if (out.kind === 'send') this.toServer('opener', out.message);
            if (out.kind === 'accepted') this.ackedAtMs = this.net.nowMs;
          }
        },
      },
      {
        timeoutMs: () => this.inbound.timeoutMs(),
        handleTimeout: (nowMs) => this.inbound.handleTimeout(nowMs),
        drain: () => {
          for (let out = this.inbound.poll(); out !== undefined; out = this.inbound.poll()) {
            if (out.kind !== 'send') continue;
            if (out.message.typ === 10) {
              const key = `${out.message.sid} on ${this.acceptorLine}`;
              this.acceptsSent.set(key, (this.acceptsSent.get(key) ?? 0) + 1);
            }
            this.toServer('acceptor', out.message);
          }
        },
      },
    ];
  }

  reconnect(who: 'opener' | 'acceptor', gapMs: number): void {
    const setLine = (line: number) => {
      if (who === 'opener') this.openerLine = line;
      else this.acceptorLine = line;
    };
    const tell = (up: boolean, nowMs: number) =>
      who === 'opener' ? this.outbound.handleRelay(up, nowMs) : this.inbound.handleRelay(up, nowMs);
    setLine(0);
    tell(false, this.net.nowMs);
    this.net.at(this.net.nowMs + gapMs, (nowMs) => {
      setLine(++this.lines);
      tell(true, nowMs);
      if (who === 'acceptor') for (const session of [...this.inbound.all()]) this.inbound.reattach(session.sid);
    });
  }

  /** The opener's application has bytes all the time; an own peer's missing acknowledgements make its owner ask for a new session. */
  tick(nowMs: number): void {
    const sid = this.outbound.sid;
    if (this.outbound.state === 'accepted' && sid !== undefined && this.openerLine !== 0) {
      if (nowMs - this.ackedAtMs > 5000) {
        this.outbound.reopen(nowMs);
        this.ackedAtMs = nowMs;
      } else {
        this.net.send(() => this.dataAtServer(sid));
      }
    }
    this.net.at(nowMs + 500, (later) => this.tick(later));
  }

  dataAtServer(sid: string): void {
    const session = this.sessions.get(sid);
    if (session === undefined) this.toOpener((nowMs) => this.outbound.handleReject(sid, 'unknown session', nowMs));
    for (const line of session?.acceptorLines ?? []) {
      this.toAcceptor(line, (nowMs) => {
        if (this.inbound.get(sid) === undefined) {
          this.inbound.handleStray(sid);
          return;
        }
        this.deliveredAtMs = nowMs;
        this.net.send((at) => {
          this.ackedAtMs = at;
        });
      });
    }
  }

  toServer(who: 'opener' | 'acceptor', message: SessionMessage): void {
    const line = who === 'opener' ? this.openerLine : this.acceptorLine;
    if (line !== 0) this.net.send(() => this.atServer(who, line, message));
  }

  atServer(who: 'opener' | 'acceptor', line: number, message: SessionMessage): void {
    const { sid } = message;
    const session = this.sessions.get(sid);
    if (message.typ === 9) {
      const open = { ...message, frm: OPENER };
      this.sessions.set(sid, { openerLine: line, acceptorLines: new Set(), open });
      this.toAcceptor(this.acceptorLine, (nowMs) =>
        this.inbound.handleOpen(open, { kind: 'hotlink', host: '00c0ffee', instance: '12345678' }, this.lookup, nowMs),
      );
    } else if (message.typ === 10) {
      if (session === undefined) {
        this.toAcceptor(line, () => this.inbound.handleClose(sid, 'unknown session'));
        return;
      }
      session.acceptorLines.add(line);
      this.toOpener((nowMs) => this.outbound.handleAccept(sid, 'hotlink', nowMs), session.openerLine);
    } else if (session !== undefined && who === 'opener') {
      this.sessions.delete(sid);
      for (const acceptor of session.acceptorLines) this.toAcceptor(acceptor, () => this.inbound.handleClose(sid, message.rsn ?? ''));
    } else if (session !== undefined) {
      session.acceptorLines.delete(line);
      this.toOpener((nowMs) => this.outbound.handleClose(sid, message.rsn ?? '', nowMs), session.openerLine);
    }
  }

  toOpener(run: (nowMs: number) => void, line = this.openerLine): void {
    this.net.send((nowMs) => {
      if (line !== 0 && line === this.openerLine) run(nowMs);
    });
  }

  toAcceptor(line: number, run: (nowMs: number) => void): void {
    this.net.send((nowMs) => {
      if (line !== 0 && line === this.acceptorLine) run(nowMs);
    });
  }
}

function story(seed: number, weather: Weather): World {
  const world = new World(seed, weather);
  const { net } = world;
  for (const who of ['opener', 'acceptor'] as const) {
    world.reconnect(who, Math.floor(net.random() * 2000));
    for (let n = 0; n < 4; n++) net.at(2000 + net.random() * 50_000, () => world.reconnect(who, Math.floor(net.random() * 3000)));
  }
  net.at(net.random() * 10_000, (nowMs) => {
    world.channelKnown = true;
    world.inbound.handleChannelAdded(nowMs);
  });
  net.at(100, (nowMs) => {
    world.outbound.handleWant(nowMs);
    world.tick(nowMs);
  });
  net.run(world.parties(), 60_000);
  Object.assign(net.weather, { drop: 0, duplicate: 0 });
  net.run(world.parties(), 120_000);
  return world;
}

describe('an opener and an acceptor', () => {
  it.each([
    ['on a quiet relay', { drop: 0, duplicate: 0, maxDelayMs: 5 }],
    ['on a relay that reorders', { drop: 0, duplicate: 0, maxDelayMs: 400 }],
    ['on a relay that loses and repeats', { drop: 0.25, duplicate: 0.25, maxDelayMs: 400 }],
    ['on a relay slower than the first wait', { drop: 0.1, duplicate: 0.1, maxDelayMs: 1500 }],
  ])('end up in one session that carries, %s', (_name, weather) => {
    for (let seed = 1; seed <= 40; seed++) {
      const world = story(seed, { ...weather });
      const what = `seed ${seed}`;
      expect(world.outbound.state, what).toBe('accepted');
      expect(world.inbound.ofChannel('c1')?.sid, what).toBe(world.outbound.sid);
      expect([...world.inbound.all()].length, what).toBe(1);
      expect(world.deliveredAtMs, what).toBeGreaterThan(110_000);
      expect(Math.max(...world.acceptsSent.values()), what).toBe(1);
      // A server that never forgets a session is left with the live one only, as long as no Close is lost or overtakes its Open.
      if (weather.maxDelayMs < 10) expect([...world.sessions.keys()], what).toEqual([world.outbound.sid]);
    }
  });
});
