// The peer connections of one channel, by session id: starts them with what main says, reports what the addon says. Between own peers a session may have
// several, which make one lane (stripes.ts); further ones have names. Loads this thread's addon on first use; where it cannot be loaded, every attempt
// fails with the reason and the relay carries the channel. Channel worker.

import { HotlinkError } from '../../native-free/errors.js';
import type { Lane } from '../../native-free/lane.js';
import { type Addon, loadAddon } from '../addon.js';
import { type ConnectionUse, sctpProfile } from '../lanes/sctp-profile.js';
import { mostConnections } from '../lanes/stripe-count.js';
import { WebRtcLane } from '../lanes/webrtc.js';
import type { FromChannel, RtcSettings, ToChannel } from '../messages.js';
import { stackThreads } from '../stack-threads.js';
import { type StripeMember, Stripes, type StripesEvents, TOO_WIDE } from './stripes.js';
import { comingUp, type Turn } from './turnstile.js';

export interface RtcSessionEvents extends Pick<StripesEvents, 'lost' | 'resized' | 'pressure' | 'grow'> {
  post(message: FromChannel): void;
  laneUp(lane: Lane, far: boolean): void;
  laneDown(lane: Lane, reason: string): void;
  failed(sid: string, reason: string): void;
  frame(lane: Lane, message: Uint8Array): void;
  writable(lane: Lane): void;
  stalled(): void;
  datagram(lost: boolean): void;
}

export type RtcStart = Extract<ToChannel, { t: 'rtc-start' }>;
/** Candidates of this kind go through a TURN server. */
const RELAYED = 'relay';

interface Connection {
  lane: WebRtcLane;
  use: ConnectionUse;
  role: RtcStart['role'];
}

/** What one session has. */
interface RtcSession {
  /** By name; the first one's is empty. */
  connections: Map<string, Connection>;
  /** What the core knows: undefined before the first connection is up. */
  lane: Lane | undefined;
  stripes: Stripes | undefined;
}

export class RtcSessions {
  readonly #settings: RtcSettings;
  readonly #events: RtcSessionEvents;
  readonly #sessions = new Map<string, RtcSession>();
  /** Of sessions whose first connection is to be offered and did not come up yet. */
  readonly #turns = new Map<string, Turn>();

  constructor(settings: RtcSettings, events: RtcSessionEvents) {
    this.#settings = settings;
    this.#events = events;
  }

  /** Begins a connection; one that is to be offered, when it is its turn. */
  start(order: RtcStart): void {
    const { sid, member = '', role } = order;
    this.stop(sid, member);
    if (member === '') this.#events.post({ t: 'rtc-started', sid });
    if (member === '' && role === 'offerer') {
      const turn = comingUp.turn(() => this.#begin(order));
      this.#turns.set(sid, turn);
      turn.enter();
    } else this.#begin(order);
  }

  #begin({ sid, member = '', role, own, mtu, probed = false, loopback, ice, lossy = false }: RtcStart): void {
    const events = this.#events;
    const session: RtcSession = this.#sessions.get(sid) ?? { connections: new Map(), lane: undefined, stripes: undefined };
    const named = member === '' ? {} : { member };
    const use = member === '' ? 'first' : lossy ? 'lossy-member' : 'member';
    try {
      const lane = new WebRtcLane(
        this.#tuned(loopback, use),
        // Several connections' receipts count on each one's order (stripes/receipt.ts).
        {
          sid,
          role,
          own,
          mtu,
          probed,
          loopback,
          datagrams: own && member === '' && this.#settings.datagrams,
          ice,
          settings: this.#settings,
        },
        {
          description: (type, sdp) => events.post({ t: 'rtc-description', sid, ...named, type, sdp }),
          candidate: (candidate, mid) => events.post({ t: 'rtc-local-candidate', sid, ...named, candidate, mid }),
          gathered: (sdp) => events.post({ t: 'rtc-gathered', sid, ...named, sdp }),
          open: (open, local, remote) => this.#opened(sid, member, open, own, [local, remote]),
          closed: (closed, reason) => this.#closed(sid, member, closed, reason),
          frame: (from, message) => {
            if (session.stripes === undefined) events.frame(from, message);
            else session.stripes.received(from, message);
          },
          writable: (writable) => {
            if (session.stripes === undefined) events.writable(writable);
            else session.stripes.writable(writable);
          },
          stalled: () => events.stalled(),
          datagram: (lost) => events.datagram(lost),
        },
      );
      session.connections.set(member, { lane, use, role });
      this.#sessions.set(sid, session);
    } catch (error) {
      const reason = error instanceof HotlinkError ? error.message : explain((error as Error).message);
      this.#gaveUp(sid, member, reason);
    }
  }

  setRemote(sid: string, member = '', type: 'offer' | 'answer', sdp: string): void {
    const connection = this.#sessions.get(sid)?.connections.get(member);
    if (connection === undefined) return;
    // Another connection may have set its own since.
    this.#tuned(connection.lane.loopback, connection.use);
    const refused = connection.lane.setRemote(type, sdp);
    if (refused === undefined) return;
    this.stop(sid, member);
    this.#gaveUp(sid, member, `the peer's ${type} was refused: ${refused}`);
  }

  addCandidate(sid: string, member = '', candidate: string, mid: string): void {
    this.#sessions.get(sid)?.connections.get(member)?.lane.addCandidate(candidate, mid);
  }

  /** The peer takes so many connections for the session's lane. */
  begin(sid: string, most: number): void {
    this.#sessions.get(sid)?.stripes?.begin(most);
  }

  /**
   * Ends a connection without a report; without a name, all of the session's.
   * @returns the lane that is gone with it; undefined when none was up, or others carry on
   */
  stop(sid: string, member = ''): Lane | undefined {
    if (member === '') this.#leave(sid);
    const session = this.#sessions.get(sid);
    if (session === undefined) return undefined;
    if (member !== '') {
      const connection = session.connections.get(member);
      session.connections.delete(member);
      connection?.lane.close();
      if (connection !== undefined && session.stripes !== undefined) {
        if (!session.stripes.has(connection.lane)) session.stripes.failed();
        session.stripes.remove(connection.lane, 'it was ended');
      }
      return undefined;
    }
    this.#sessions.delete(sid);
    for (const { lane } of session.connections.values()) lane.close();
    session.stripes?.close();
    return session.lane;
  }

  stopAll(): void {
    for (const sid of [...this.#sessions.keys(), ...this.#turns.keys()]) this.stop(sid);
  }

  /** The first connection of a session is up, or nothing comes of it: the next one may begin. */
  #leave(sid: string): void {
    this.#turns.get(sid)?.leave();
    this.#turns.delete(sid);
  }

  #opened(sid: string, member: string, lane: WebRtcLane, own: boolean, candidates: [local: string, remote: string]): void {
    const session = this.#sessions.get(sid);
    if (session === undefined || session.connections.get(member)?.lane !== lane) return;
    if (this.#settings.batchScheduling) stackThreads()?.arrived();
    if (member === '') this.#leave(sid);
    const [local, remote] = candidates;
    if (member !== '') {
      // Before frames take turns: what is counted on a member of several comes in its order.
      session.connections.get('')?.lane.retireDatagrams();
      if (session.stripes?.add(lane, member) === true) {
        this.#events.post({ t: 'rtc-open', sid, member, local, remote });
      } else this.#refuse(sid, member, session, 'there are as many connections as there may be');
      return;
    }
    this.#events.post({ t: 'rtc-open', sid, local, remote });
    const most = own ? mostConnections(this.#settings.stripes, lane.loopback) : 1;
    if (most > 1) session.stripes = this.#striped(sid, session, lane, most, candidates.includes(RELAYED));
    session.lane = session.stripes?.lane ?? lane;
    this.#events.laneUp(session.lane, own && !lane.loopback);
  }

  #striped(sid: string, session: RtcSession, first: WebRtcLane, most: number, relayed: boolean): Stripes {
    const events = this.#events;
    const leads = session.connections.get('')?.role === 'offerer';
    return new Stripes(
      first,
      { most, atOnce: this.#settings.stripes !== 'auto', relayed, leads },
      {
        frame: (lane, message) => events.frame(lane, message),
        writable: (lane) => events.writable(lane),
        closed: (lane, reason) => {
          this.#sessions.delete(sid);
          for (const connection of session.connections.values()) connection.lane.close();
          events.laneDown(lane, reason);
          events.post({ t: 'rtc-closed', sid, reason });
        },
        lost: (from, end) => events.lost(from, end),
        resized: (lane) => events.resized(lane),
        widen: (members, lossy) => events.post({ t: 'rtc-widen', sid, members, lossy }),
        members: (members) => events.post({ t: 'rtc-members', sid, members }),
        dropped: (lane, reason) => this.#dropped(sid, session, lane, { reason }),
        tooWide: (lane) => this.#dropped(sid, session, lane, { reason: TOO_WIDE, tooWide: lane.mtu }),
        pressure: () => events.pressure(),
        grow: (neededBytes) => events.grow(neededBytes),
      },
    );
  }

  #dropped(sid: string, { connections }: RtcSession, lane: StripeMember, why: { reason: string; tooWide?: number }): void {
    for (const [member, connection] of connections) {
      if (connection.lane !== lane) continue;
      connections.delete(member);
      if (member !== '') this.#events.post({ t: 'rtc-closed', sid, member, ...why });
    }
  }

  #closed(sid: string, member: string, lane: WebRtcLane, reason: string): void {
    const session = this.#sessions.get(sid);
    if (session?.connections.get(member)?.lane !== lane) return;
    if (member === '') this.#leave(sid);
    session.connections.delete(member);
    if (session.stripes?.has(lane) === true) {
      // Either side may be the one to find out, and the other one sees its member end.
      const doubted = session.stripes.remove(lane, reason);
      if (member !== '') this.#events.post({ t: 'rtc-closed', sid, member, reason, ...(doubted ? { tooWide: lane.mtu } : {}) });
      return;
    }
    if (member !== '') {
      session.stripes?.failed();
      this.#events.post({ t: 'rtc-closed', sid, member, reason });
      return;
    }
    this.#sessions.delete(sid);
    this.#events.laneDown(lane, reason);
    this.#events.post({ t: 'rtc-closed', sid, reason });
  }

  #refuse(sid: string, member: string, session: RtcSession, reason: string): void {
    session.connections.get(member)?.lane.close();
    session.connections.delete(member);
    this.#events.post({ t: 'rtc-closed', sid, member, reason });
  }

  #gaveUp(sid: string, member: string, reason: string): void {
    if (member === '') this.#leave(sid);
    if (member === '') this.#events.failed(sid, reason);
    else this.#sessions.get(sid)?.stripes?.failed();
    this.#events.post({ t: 'rtc-closed', sid, ...(member === '' ? {} : { member }), reason });
  }

  #tuned(loopback: boolean, use: ConnectionUse): Addon {
    const addon = loadAddon();
    addon.setSctpSettings(sctpProfile(this.#settings, loopback, use));
    return addon;
  }
}

function explain(message: string): string {
  // Each image of the addon keeps four of the process's 1024 thread-specific keys when its thread ends (workers/README.md).
  const worn = /allocate structures|generate ECDSA/.test(message);
  return `the peer connection could not be made: ${message}${worn ? '; this process has started and ended too many WebRTC threads: restart it' : ''}`;
}
