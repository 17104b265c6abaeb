// Everything between and around two parties: sessions, as the relay and the main threads make them, the lanes that belong to them, and the
// faults that befall them. A session lives until the relay forgets it, one of its parties restarts, or the next one replaces it.

import type { LaneKind, PeerLaneKind } from '../lane.js';
import { type TwinLane, twinLanes } from '../lane-twin.js';
import type { Clock } from './clock.js';
import { Link } from './network.js';
import type { Party } from './party.js';
import type { Random } from './random.js';
import type { Fault, LaneScenario, Scenario } from './scenario.js';

/** An opener asks again after this long without an answer, ms. */
const REOPEN_MS = 1500;
/** A peer-to-peer lane is tried again after this long at first, ms; then twice that, and so on. */
const RETRY_MS = 1000;
const RETRY_MAX_MS = 8000;

/** Longer than any run: the other side is never told, ms. */
const NEVER_MS = 10_000_000;
/** The most a silent death stays unnoticed, as ICE takes to be sure, ms. */
const SILENT_MS = 30_000;

/** An Accept that was held up somewhere, ms. */
const LATE_WORD_MS = 1200;

const PEER_KINDS: readonly PeerLaneKind[] = ['direct', 'webrtc'];

interface End {
  party: Party;
  /** The core that this end belongs to. */
  serial: number;
  lane: TwinLane;
  up: boolean;
}

/** One lane of one session, with both directions. */
interface Wire {
  kind: LaneKind;
  ends: [End, End];
  links: [Link, Link];
  dead: boolean;
}

interface Session {
  sid: string;
  opener: Party;
  acceptor: Party;
  serials: Map<Party, number>;
  relay: Wire | undefined;
  /** Peer-to-peer lanes, and how often each failed. */
  peers: Record<PeerLaneKind, { wire: Wire | undefined; retries: number }>;
  over: boolean;
  /** Parties that know that it is over. */
  told: Set<Party>;
}

export class World {
  readonly #scenario: Scenario;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #trace: (text: () => string) => void;
  readonly #wires: Wire[] = [];
  readonly #wanting = new Set<Party>();
  readonly #sessions: Session[] = [];
  readonly #bySid = new Map<string, Session>();
  #parties: readonly [Party, Party] | undefined;
  #relayDownUntilMs = 0;
  #nextSid = 1;
  #pastMessages = 0;

  constructor(scenario: Scenario, clock: Clock, random: Random, trace: (text: () => string) => void) {
    this.#scenario = scenario;
    this.#clock = clock;
    this.#random = random;
    this.#trace = trace;
  }

  /** Ends of lanes that came up so far: each may say once where it stands. */
  lanesUp = 0;

  /** Messages that left on any lane so far. */
  get messages(): number {
    return this.#wires.reduce((sum, { links }) => sum + links[0].messages + links[1].messages, this.#pastMessages);
  }

  start(parties: readonly [Party, Party]): void {
    this.#parties = parties;
    for (const fault of this.#scenario.faults) this.#clock.after(fault.atMs, () => this.#befall(fault));
  }

  /** Something may wait on a lane. */
  nudge(): void {
    for (const { links } of this.#wires) {
      links[0].nudge();
      links[1].nudge();
    }
  }

  // --- sessions ------------------------------------------------------------------------------------------------------------------

  wantSession(party: Party): void {
    if (this.#wanting.has(party)) return;
    this.#wanting.add(party);
    this.#clock.after(this.#random.between(1, 20), () => this.#open(party));
  }

  /** The relay lane of a session is wanted by its opener. */
  wantRelay(party: Party, sid: string): void {
    const session = this.#bySid.get(sid);
    this.#clock.after(1, () => {
      // It comes up even where nobody listens any more.
      if (session === undefined || session.told.has(party)) return;
      for (const end of session.relay?.ends ?? []) if (end.party === party) this.#up(end);
    });
  }

  /** A party has a new core: its sessions are over, and the other side hears of it sooner or later. */
  restarted(party: Party): void {
    this.#wanting.delete(party);
    const toldAfterMs = this.#random.pick([1, 30, 2000, NEVER_MS]);
    for (const session of [...this.#sessions]) {
      if (session.opener === party || session.acceptor === party) this.#end(session, toldAfterMs, party);
    }
  }

  #open(party: Party): void {
    const { serial } = party;
    if (!this.#wanting.has(party)) return;
    const again = (): void => this.#clock.after(REOPEN_MS, () => this.#open(party));
    if (this.#clock.nowMs < this.#relayDownUntilMs) {
      again();
      return;
    }
    const acceptor = this.#other(party);
    const delayMs = this.#random.between(1, 60);
    this.#clock.after(delayMs, () => {
      if (party.serial !== serial || this.#clock.nowMs < this.#relayDownUntilMs || acceptor.core.over) {
        again();
        return;
      }
      const session = this.#begin(party, acceptor);
      this.#clock.after(this.#random.chance(0.1) ? LATE_WORD_MS : delayMs, () => {
        if (party.serial !== serial) return;
        if (!session.over) this.#accepted(session);
        else {
          if (this.#random.chance(0.5)) this.#acceptedLate(session);
          again();
        }
      });
    });
  }

  #begin(opener: Party, acceptor: Party): Session {
    const sid = `s${this.#nextSid}`;
    this.#nextSid += 1;
    // The acceptor replaces what it had from this opener.
    for (const old of [...this.#sessions]) if (old.opener === opener) this.#end(old, 1, undefined);
    const serials = new Map([
      [opener, opener.serial],
      [acceptor, acceptor.serial],
    ]);
    const session: Session = {
      sid,
      opener,
      acceptor,
      serials,
      relay: undefined,
      peers: { direct: { wire: undefined, retries: 0 }, webrtc: { wire: undefined, retries: 0 } },
      over: false,
      told: new Set(),
    };
    this.#sessions.push(session);
    this.#bySid.set(sid, session);
    this.#trace(() => `${opener.epoch} opens ${sid}, ${acceptor.epoch} accepts`);
    session.relay = this.#wire('relay', session, this.#scenario.relay);
    this.#tell(acceptor, session, 'in');
    this.#up(session.relay.ends[1]);
    return session;
  }

  #accepted(session: Session): void {
    this.#wanting.delete(session.opener);
    this.#tell(session.opener, session, 'out');
    for (const kind of PEER_KINDS) if (this.#allowed(kind)) this.#connect(session, kind);
  }

  /** The word of a session that is over already: its end follows. */
  #acceptedLate(session: Session): void {
    const { opener, sid } = session;
    this.#tell(opener, session, 'out');
    this.#clock.after(this.#random.between(0, 2000), () => {
      if (opener.serial === session.serials.get(opener)) opener.core.sessionDown(sid, this.#clock.nowMs);
      opener.rearm();
    });
  }

  #tell(party: Party, session: Session, direction: 'in' | 'out'): void {
    const epoch = `${this.#other(party).name}${session.serials.get(this.#other(party))}`;
    party.core.sessionUp({ sid: session.sid, direction, own: true, epoch, path: 'a/b' }, this.#clock.nowMs);
    this.#after(party);
  }

  /** @param except a party that knows already, because it is the one that is gone */
  #end(session: Session, delayMs: number, except: Party | undefined): void {
    if (session.over) return;
    session.over = true;
    this.#sessions.splice(this.#sessions.indexOf(session), 1);
    this.#trace(() => `${session.sid} ends`);
    for (const wire of wiresOf(session)) this.#kill(wire);
    for (const party of [session.opener, session.acceptor]) {
      if (party === except) session.told.add(party);
      else
        this.#clock.after(this.#random.between(0, delayMs), () => {
          session.told.add(party);
          if (party.serial !== session.serials.get(party)) return;
          party.core.sessionDown(session.sid, this.#clock.nowMs);
          for (const wire of wiresOf(session)) this.#down(wire, party, 'the session ended');
          this.#after(party);
        });
    }
    const gone = wiresOf(session);
    this.#clock.after(delayMs + 1, () => {
      for (const wire of gone) this.#drop(wire);
    });
  }

  // --- lanes -----------------------------------------------------------------------------------------------------------------------

  #wire(kind: LaneKind, session: Session, scenario: LaneScenario): Wire {
    const [a, b] = twinLanes({ kind, sid: session.sid, maxFrameBytes: scenario.maxFrameBytes, highBytes: scenario.highBytes });
    const quietMs = this.#scenario.quietFromMs;
    const ends: [End, End] = [this.#lane(a, session.opener), this.#lane(b, session.acceptor)];
    const nudge = (): void => this.nudge();
    const links: [Link, Link] = [
      new Link(a, b, scenario, quietMs, this.#clock, this.#random, nudge),
      new Link(b, a, scenario, quietMs, this.#clock, this.#random, nudge),
    ];
    const wire: Wire = { kind, ends, links, dead: false };
    this.#wires.push(wire);
    return wire;
  }

  #lane(lane: TwinLane, party: Party): End {
    const { serial } = party;
    lane.listen({
      frame: (from, message, lasting) => {
        if (party.serial !== serial) return;
        party.core.frame(from, message, lasting, this.#clock.nowMs);
        this.#after(party);
      },
      writable: () => {
        if (party.serial !== serial) return;
        party.core.pump(this.#clock.nowMs);
        this.#after(party);
      },
      closed: () => {},
    });
    return { party, serial, lane, up: false };
  }

  #up(end: End): void {
    if (end.up || end.lane.closed || end.party.serial !== end.serial) return;
    end.up = true;
    this.lanesUp += 1;
    end.party.core.laneUp(end.lane, this.#clock.nowMs);
    this.#after(end.party);
  }

  #down(wire: Wire, party: Party, reason: string): void {
    for (const end of wire.ends) {
      if (end.party !== party || end.lane.closed) continue;
      end.lane.close();
      if (!end.up || party.serial !== end.serial) continue;
      party.core.laneDown(end.lane, reason, this.#clock.nowMs);
      if (wire.kind !== 'relay') party.core.attemptFailed(end.lane.sid, wire.kind, reason, this.#clock.nowMs);
      this.#after(party);
    }
  }

  /** Nothing that is under way arrives any more. */
  #kill(wire: Wire): void {
    wire.dead = true;
    wire.links[0].kill();
    wire.links[1].kill();
  }

  #drop(wire: Wire): void {
    const index = this.#wires.indexOf(wire);
    if (index < 0) return;
    this.#wires.splice(index, 1);
    this.#pastMessages += wire.links[0].messages + wire.links[1].messages;
  }

  #allowed(kind: PeerLaneKind): boolean {
    const { directAllowed, webrtcAllowed } = this.#scenario.limits;
    return kind === 'direct' ? directAllowed : webrtcAllowed;
  }

  #connect(session: Session, kind: PeerLaneKind): void {
    const each = (does: (party: Party) => void): void => {
      for (const party of [session.opener, session.acceptor]) {
        if (party.serial === session.serials.get(party) && !session.told.has(party)) does(party);
      }
    };
    each((party) => party.core.attemptBegins(session.sid, kind));
    this.#clock.after(this.#random.between(50, 800), () => {
      if (session.over || !this.#scenario.works[kind] || this.#random.chance(0.1)) {
        each((party) => {
          party.core.attemptFailed(session.sid, kind, 'no path was found', this.#clock.nowMs);
          this.#after(party);
        });
        this.#retry(session, kind);
        return;
      }
      const wire = this.#wire(kind, session, this.#scenario[kind]);
      session.peers[kind].wire = wire;
      for (const end of wire.ends) this.#clock.after(this.#random.between(0, 30), () => this.#up(end));
    });
  }

  #retry(session: Session, kind: PeerLaneKind): void {
    const peer = session.peers[kind];
    peer.retries += 1;
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** (peer.retries - 1));
    // After the faults it works, or a scenario without a relay would never come to an end.
    if (!this.#scenario.works[kind] && this.#scenario.limits.relayAllowed) return;
    if (session.over) return;
    this.#clock.after(waitMs, () => this.#connect(session, kind));
  }

  /** A lane ends. Each side notices in its own time. */
  #lose(session: Session, kind: PeerLaneKind, noticedWithinMs: number): void {
    const { wire } = session.peers[kind];
    if (wire === undefined || wire.dead) return;
    this.#kill(wire);
    this.#trace(() => `the ${wire.kind} lane of ${session.sid} dies`);
    session.peers[kind].wire = undefined;
    for (const { party } of wire.ends) {
      this.#clock.after(this.#random.between(0, noticedWithinMs), () => this.#down(wire, party, 'the path died'));
    }
    this.#clock.after(noticedWithinMs + 1, () => {
      this.#drop(wire);
      if (!session.over) this.#retry(session, kind);
    });
  }

  // --- faults ----------------------------------------------------------------------------------------------------------------------

  #befall({ kind, durationMs }: Fault): void {
    this.#trace(() => `fault: ${kind} for ${durationMs} ms`);
    switch (kind) {
      case 'direct-dies':
        this.#losePeerLanes(['direct'], 300);
        break;
      case 'direct-silent':
        this.#losePeerLanes(['direct'], SILENT_MS);
        break;
      case 'webrtc-dies':
        this.#losePeerLanes(['webrtc'], 300);
        break;
      case 'webrtc-silent':
        this.#losePeerLanes(['webrtc'], SILENT_MS);
        break;
      case 'both-silent':
        this.#losePeerLanes(PEER_KINDS, SILENT_MS);
        break;
      case 'relay-restart':
        this.#restartRelay(Math.min(durationMs, 3000));
        break;
      case 'outage':
        this.#losePeerLanes(PEER_KINDS, 300);
        this.#restartRelay(durationMs);
        break;
      case 'session-ends': {
        const session = this.#sessions[0];
        if (session !== undefined) this.#end(session, 300, undefined);
        break;
      }
      case 'peer-restart':
        this.#random.pick(this.#parties as readonly [Party, Party]).restart('a crash');
        break;
      case 'stall-lanes':
        for (const { links } of this.#wires) for (const link of links) link.stalledUntilMs = this.#clock.nowMs + durationMs / 2;
        break;
    }
  }

  #losePeerLanes(kinds: readonly PeerLaneKind[], noticedWithinMs: number): void {
    for (const session of this.#sessions) for (const kind of kinds) this.#lose(session, kind, noticedWithinMs);
  }

  #restartRelay(downMs: number): void {
    this.#relayDownUntilMs = Math.max(this.#relayDownUntilMs, this.#clock.nowMs + downMs);
    for (const session of [...this.#sessions]) this.#end(session, 500, undefined);
    // The parties notice, each in its own time.
    for (const party of this.#parties ?? []) {
      const tell = (there: boolean): void => {
        party.core.relayThere(there, this.#clock.nowMs);
        this.#after(party);
      };
      this.#clock.after(this.#random.between(0, 500), () => tell(false));
      this.#clock.after(downMs + this.#random.between(500, 1000), () => tell(true));
    }
  }

  #other(party: Party): Party {
    const [first, second] = this.#parties as readonly [Party, Party];
    return party === first ? second : first;
  }

  /** A party was given something: its timer and the lanes may have work. */
  #after(party: Party): void {
    party.rearm();
  }
}

function wiresOf({ relay, peers }: Session): Wire[] {
  return [relay, peers.direct.wire, peers.webrtc.wire].filter((wire) => wire !== undefined);
}
