// What the worker is told about the peer connections of a channel's sessions. Where the embedding program names the servers of each connection, what
// follows the start is held back until it has: a connection begins with its servers or not at all. Main thread.

import { withoutTurn } from '../../workers/lanes/ice-servers.js';
import type { IceSettings, ToChannel } from '../../workers/messages.js';
import type { ChannelEvents, ChannelOptions } from './channel-options.js';
import type { ChannelSessions } from './channel-sessions.js';
import type { ChannelWorker } from './channel-worker.js';
import { IceLookups } from './ice-lookups.js';
import type { SessionRecord } from './session-record.js';

type ToRtc = Extract<ToChannel, { t: `rtc-${string}` }>;

export class RtcOrders {
  readonly #options: ChannelOptions;
  readonly #sessions: ChannelSessions;
  readonly #worker: ChannelWorker;
  readonly #lookups: IceLookups | undefined;
  /** What a connection is to be told once its servers are known. */
  readonly #held = new Map<string, ToRtc[]>();

  constructor(options: ChannelOptions, sessions: ChannelSessions, worker: ChannelWorker, events: ChannelEvents) {
    this.#options = options;
    this.#sessions = sessions;
    this.#worker = worker;
    const { iceServersFor, marker, clock } = options;
    this.#lookups = iceServersFor && new IceLookups(iceServersFor, marker.peer, clock, events.event);
  }

  /** A new peer connection for a session. */
  start(record: SessionRecord, role: 'offerer' | 'answerer'): void {
    const { sid } = record;
    if (this.#lookups === undefined) {
      this.#start(record, role, this.#options.ice);
      return;
    }
    this.#held.set(sid, []);
    this.#lookups.ask(sid, (ice) => {
      const held = this.#held.get(sid) ?? [];
      this.#held.delete(sid);
      if (this.#sessions.get(sid) !== record) return;
      this.#start(record, role, ice);
      for (const message of held) this.#worker.tell(message);
    });
  }

  /** A new connection waits for its servers: nothing that is said is its own yet. */
  waiting(sid: string): boolean {
    return this.#held.has(sid);
  }

  /** Behind what the connection waits for. */
  tell(message: ToRtc): void {
    const held = this.#held.get(message.sid);
    if (held === undefined) this.#worker.tell(message);
    else held.push(message);
  }

  /** The connection is given up. */
  stop(sid: string): void {
    this.#lookups?.withdraw(sid);
    this.#held.delete(sid);
    this.#worker.tell({ t: 'rtc-stop', sid });
  }

  /** Gives up what belongs to sessions that ended while their servers were looked up. */
  prune(): void {
    for (const sid of this.#held.keys()) if (this.#sessions.get(sid) === undefined) this.stop(sid);
  }

  /** The channel ends: nothing more is asked for. */
  close(): void {
    this.#lookups?.close();
    this.#held.clear();
  }

  #start(record: SessionRecord, role: 'offerer' | 'answerer', named: IceSettings): void {
    const { sid, mtu, sameHost: loopback, peer } = record;
    record.namedIce = named;
    record.ice = this.#iceFor(named, record, role);
    record.rtcStarting += 1;
    this.#worker.tell({ t: 'rtc-start', sid, role, own: peer.kind === 'hotlink', mtu, loopback, ice: record.ice });
  }

  /**
   * The servers of one attempt. An offerer begins without TURN: the answerer's TURN server is enough for both unless this side's firewall lets
   * out nothing but TURN, and the addon can hang for good where an offerer uses it (workers/README.md, "TURN on one side"). Every other
   * attempt has it all the same. So has the first toward a stranger who may not be reached through the relay meanwhile.
   */
  #iceFor(ice: IceSettings, { attempts, peer }: SessionRecord, role: 'offerer' | 'answerer'): IceSettings {
    const { limits } = this.#options;
    if (role === 'answerer' || attempts % 2 === 0 || (peer.kind !== 'hotlink' && !limits.relayAllowed)) return ice;
    return { ...ice, iceServers: withoutTurn(ice.iceServers) };
  }
}
