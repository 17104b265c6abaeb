// The channels of one identity: those its markers ask for and those `forward()` made. Adds, removes and restarts them, and finds the one
// that a session or a path belongs to. Channels come and go by id; each life has an index of its own, which is never used twice.
// Main thread.
//
// Who closes what, in which order, when one channel goes: the sessions that its peer opened → the channel itself (its worker part drains,
// then Close for its own session) → what is remembered of its sessions. Markers are applied one set after the other, restarts in
// the same queue.

import { HotlinkError, type HotlinkErrorCode, type HotlinkMessage, isTcpPath, type Marker, MessageType } from '../../native-free/index.js';
import type { ChannelShape, ToRelay } from '../../workers/messages.js';
import type { Report } from '../events.js';
import type { ResolvedOptions } from '../resolved-options.js';
import { CHANNEL_CLOSED, ChannelControl, STOPPING } from './channel-control.js';
import { isDue } from './deadline.js';
import type { Identities } from './identities.js';
import { pingId, pingMarker } from './ping-channel.js';
import type { Place, Supervisor } from './supervisor.js';

/** A channel whose worker died starts again after this long, ms. */
const RESTART_MS = 250;
/** Ids of channels that no TCP marker made; a marker's is its JSON. */
const FORWARD_PREFIX = 'forward ';
const MARKER_START = '{';

type Total = keyof ChannelControl['totals'];
const TOTALS: readonly Total[] = ['offers', 'answersOk', 'badSignals', 'framesRefused', 'strictViolations'];

export interface ChannelsEvents {
  /** Sends a control message; `idStem` names the channel's epoch. */
  send(idStem: string, message: HotlinkMessage): void;
  relay(message: ToRelay): void;
  /** Something that status shows changed, or a machine has a new deadline. */
  changed(): void;
  /** A set of markers was applied: Opens that wait may find their channel now. */
  applied(): void;
  /** A channel is about to go, or is gone already: the sessions that its peer opened are to be closed now. */
  leaving(channel: ChannelControl, reason: string): void;
  /** A session that a peer opened is to be closed. */
  refuse(sid: string, reason: string): void;
  /** @returns the index of the IPC channel that an Open of `path` is for */
  ipcFor(path: string, from: string): string | 'unknown-channel';
  /** On a session without a receiver, a peer of our own kind says who it is. */
  hello(channel: ChannelControl, email: string): void;
  /** A peer closed its session to go on with files. */
  fellBack(channel: ChannelControl): void;
  /** A local connection closed: a moment to write telemetry. */
  flush(): void;
  event: Report;
  /** For the debug log only. */
  trace(what: string, fields: Record<string, unknown>): void;
  /** A strict channel was violated. */
  fatal(code: HotlinkErrorCode, message: string): void;
}

export class Channels {
  readonly #options: ResolvedOptions;
  readonly #host: string;
  readonly #identities: Identities;
  readonly #supervisor: Supervisor;
  readonly #events: ChannelsEvents;
  /** Where the channels of each IPC host run. */
  readonly ipcPlaces = new Map<number, Place>();
  readonly #byId = new Map<string, ChannelControl>();
  /** Who opened which session. */
  readonly #bySid = new Map<string, ChannelControl>();
  /** Counters of channels that are gone. */
  readonly #past: Record<Total, number> = { offers: 0, answersOk: 0, badSignals: 0, framesRefused: 0, strictViolations: 0 };
  /** By peer and path: outlives the channels, since a Go peer counts on as long as it runs. */
  readonly #numbers = new Map<string, Map<string, number>>();
  /** Ad-hoc channels that somebody holds: one that nobody holds any more is not restarted. */
  readonly #held = new Set<string>();
  /** Channels on their way out. The threads must outlive them. */
  readonly #removals = new Set<Promise<void>>();
  /** Markers are applied one set after the other: stopping a channel takes a moment, and its port must be free for the next. */
  #applying: Promise<void> = Promise.resolve();
  #nextIndex = 1;
  #relayUp = false;
  #ending = false;

  /** @param host which machine this is, in message ids */
  constructor(options: ResolvedOptions, host: string, identities: Identities, supervisor: Supervisor, events: ChannelsEvents) {
    this.#options = options;
    this.#host = host;
    this.#identities = identities;
    this.#supervisor = supervisor;
    this.#events = events;
  }

  // --- finding -------------------------------------------------------------------------------------------------------------------

  get(id: string): ChannelControl | undefined {
    return this.#byId.get(id);
  }

  all(): IterableIterator<ChannelControl> {
    return this.#byId.values();
  }

  /** The channel that opened this session. */
  ofSid(sid: string): ChannelControl | undefined {
    return this.#bySid.get(sid);
  }

  /** @param index in decimal, as the inbound sessions name their channel */
  ofIndex(index: string): ChannelControl | undefined {
    for (const channel of this.#byId.values()) if (String(channel.index) === index) return channel;
    return undefined;
  }

  /** @returns the index, in decimal, of the channel that a peer's Open of `path` is for */
  forPath(path: string, from: string): string | 'unknown-channel' | 'wrong-peer' {
    // Two code paths that never fall through into each other (wire.md 12 row 12).
    if (!isTcpPath(path)) return this.#events.ipcFor(path, from);
    let known = false;
    for (const channel of this.#byId.values()) {
      if (!channel.keys.has(path)) continue;
      known = true;
      if (channel.marker.peer === from) return String(channel.index);
    }
    return known ? 'wrong-peer' : (this.#answerPings(path, from) ?? 'unknown-channel');
  }

  /** A peer that we have a channel with wants to be answered pings. @returns the index of the channel for it */
  #answerPings(path: string, from: string): string | undefined {
    if (this.#ending || ![...this.#byId.values()].some(({ marker }) => marker.peer === from)) return undefined;
    const marker = pingMarker(this.#options.email, from, path);
    if (marker === undefined) return undefined;
    return String(this.add(pingId(from), marker, { kind: 'program', silent: true }, this.#options.bindAddress).index);
  }

  /** A session that a peer opened is over: a channel that only answered pings goes with it. @param index of the channel, in decimal */
  sessionEnded(index: string): void {
    const channel = this.ofIndex(index);
    if (channel === undefined || channel.shape.kind !== 'program' || !channel.shape.silent) return;
    void this.remove(pingId(channel.marker.peer), channel, 'the pings are over');
  }

  /** Summed over every channel there was. */
  totals(): Record<Total, number> {
    const sums = { ...this.#past };
    for (const { totals } of this.#byId.values()) for (const key of TOTALS) sums[key] += totals[key];
    return sums;
  }

  // --- coming and going ----------------------------------------------------------------------------------------------------------

  /** Makes the channels of markers those of `markers`, after whatever is being applied. Channels that `forward()` made stay. */
  apply(markers: readonly Marker[]): void {
    this.#applying = this.#applying.then(() => this.#apply(markers));
  }

  /** Resolves when the markers given so far are applied. */
  get applied(): Promise<void> {
    return this.#applying;
  }

  async #apply(markers: readonly Marker[]): Promise<void> {
    if (this.#ending) return;
    const wanted = new Map(markers.map((marker) => [JSON.stringify(marker), marker]));
    const gone = [...this.#byId].filter(([id]) => id.startsWith(MARKER_START) && !wanted.has(id));
    await Promise.all(gone.map(([id, channel]) => this.remove(id, channel, 'its marker was removed or changed')));
    for (const [id, marker] of wanted) if (!this.#byId.has(id)) this.add(id, marker, shapeOf(marker), this.#options.bindAddress);
    this.#events.applied();
  }

  add(id: string, marker: Marker, shape: ChannelShape, bind: string): ChannelControl {
    const {
      limits,
      webrtcMissing,
      rtc,
      ice,
      iceFilter,
      mtu,
      email,
      direct,
      quickAck,
      ownPeers,
      seal,
      clock,
      addressFilter,
      iceServersFor,
    } = this.#options;
    const numbers = this.#numbers.get(marker.peer) ?? new Map<string, number>();
    this.#numbers.set(marker.peer, numbers);
    const channel = new ChannelControl(
      {
        index: this.#nextIndex,
        marker,
        email,
        host: this.#host,
        ownPeers,
        bind,
        shape,
        limits,
        webrtcMissing,
        rtc,
        quickAck,
        ice,
        iceFilter,
        mtu,
        direct: direct.identity,
        directHost: direct.host,
        numbers: [...numbers],
        seal,
        identities: this.#identities,
        clock,
        addressFilter,
        iceServersFor,
      },
      this.#placeOf(shape) ?? this.#supervisor,
      {
        send: (message) => {
          if (message.typ === MessageType.Open) this.#bySid.set(message.sid, channel);
          if (message.typ === MessageType.Close) this.#bySid.delete(message.sid);
          this.#events.send(channel.idStem, message);
        },
        relay: (message) => this.#events.relay(message),
        changed: () => this.#events.changed(),
        hello: (email) => this.#events.hello(channel, email),
        fellBack: () => this.#events.fellBack(channel),
        numbers: (latest) => {
          for (const [path, next] of latest) numbers.set(path, next);
        },
        flush: () => this.#events.flush(),
        event: this.#events.event,
        refuse: (sid, reason) => this.#events.refuse(sid, reason),
        trace: (what, fields) => this.#events.trace(what, fields),
        failed: (code, message, over) => this.#failed(id, channel, code, message, over),
        died: (error) => this.#died(id, channel, error),
      },
    );
    this.#nextIndex += 1;
    this.#byId.set(id, channel);
    if (this.#relayUp) channel.relayUp(this.#options.clock.nowMs());
    this.#events.event('channel added', { key: channel.key, peer: marker.peer, port: marker.port });
    return channel;
  }

  /** Undefined for a channel whose IPC host is gone. */
  #placeOf(shape: ChannelShape): Place | undefined {
    return shape.kind === 'ipc' ? this.ipcPlaces.get(shape.host) : this.#supervisor;
  }

  /** The sessions that its peer opened are to be closed. */
  leaving(channel: ChannelControl, reason: string): void {
    this.#events.leaving(channel, reason);
  }

  /** As {@link add}, for a channel that somebody holds until {@link withdraw}. */
  hold(id: string, marker: Marker, shape: ChannelShape, bind: string): ChannelControl {
    this.#held.add(id);
    return this.add(id, marker, shape, bind);
  }

  /** Removes a channel that was held, whichever life it is in. @returns when it is gone */
  async withdraw(id: string): Promise<void> {
    this.#held.delete(id);
    const channel = this.#byId.get(id);
    // A peer that hears of a stop ends at once what was open; after a mere Close it waits for us.
    if (channel !== undefined) await this.remove(id, channel, this.#ending ? STOPPING : CHANNEL_CLOSED);
    else await Promise.all(this.#removals);
  }

  /** Whether a channel that failed is to be started anew. */
  #comesAgain(id: string, shape: ChannelShape): boolean {
    if (this.#ending || this.#byId.has(id) || this.#placeOf(shape) === undefined) return false;
    return !id.startsWith(FORWARD_PREFIX) || this.#held.has(id);
  }

  remove(id: string, channel: ChannelControl, reason: string): Promise<void> {
    const removal = this.#takeDown(id, channel, reason).finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
    return removal;
  }

  async #takeDown(id: string, channel: ChannelControl, reason: string): Promise<void> {
    this.#byId.delete(id);
    this.#bury(channel);
    // Draining first: a Close tells the peer to give the session up.
    await channel.stop(reason);
    this.#events.leaving(channel, reason);
    for (const [sid, owner] of this.#bySid) if (owner === channel) this.#bySid.delete(sid);
    this.#events.event('channel removed', { key: channel.key, reason });
  }

  /** Its counters outlive it. */
  #bury(channel: ChannelControl): void {
    const { totals } = channel;
    for (const key of TOTALS) this.#past[key] += totals[key];
  }

  #failed(id: string, channel: ChannelControl, code: HotlinkErrorCode, message: string, over: boolean): void {
    this.#events.event('channel failed', { key: channel.key, code, reason: message }, 'error');
    if (code === 'ERR_HLNK_STRICT') this.#events.fatal(code, message);
    // A lost peer or a hole that cannot be mended: both ends must forget the old numbering, which a new epoch tells the peer.
    else if (over && channel.shape.kind === 'program') void this.remove(id, channel, message);
    else if (over) this.#restart(id, channel, message);
  }

  #died(id: string, channel: ChannelControl, error: Error): void {
    this.#events.event('channel worker died', { key: channel.key, reason: error.message }, 'error');
    if (this.#byId.get(id) !== channel) return;
    this.#byId.delete(id);
    this.#bury(channel);
    this.#events.leaving(channel, 'restarted');
    channel.lost(new HotlinkError('ERR_HLNK_WORKER', error.message));
    if (channel.shape.kind === 'program') return;
    this.#options.clock.after(RESTART_MS, () => {
      if (!this.#comesAgain(id, channel.shape)) return;
      this.add(id, channel.marker, channel.shape, channel.bind);
      this.#events.applied();
    });
  }

  #restart(id: string, channel: ChannelControl, reason: string): void {
    this.#applying = this.#applying.then(async () => {
      if (this.#ending || this.#byId.get(id) !== channel) return;
      await this.remove(id, channel, reason);
      // An IPC channel may have been made anew for a peer's Open meanwhile, or its host may be gone.
      if (!this.#comesAgain(id, channel.shape)) return;
      this.add(id, channel.marker, channel.shape, channel.bind);
      this.#events.applied();
    });
  }

  // --- relay and time ------------------------------------------------------------------------------------------------------------

  relayUp(nowMs: number): void {
    this.#relayUp = true;
    for (const channel of this.#byId.values()) channel.relayUp(nowMs);
  }

  /** @param unconfirmed indexes of the channels whose last frames the relay may not have taken */
  relayDown(reason: string, unconfirmed: readonly number[], nowMs: number): void {
    this.#relayUp = false;
    for (const channel of this.#byId.values()) channel.relayDown(reason, unconfirmed.includes(channel.index), nowMs);
  }

  /** @param lost an address is gone, and whatever went over it; otherwise there are only new ones */
  networkChanged(lost: boolean, nowMs: number): void {
    for (const channel of this.#byId.values()) channel.networkChanged(lost, nowMs);
  }

  /** The relay is connected but does not answer, or does again. */
  relayQuiet(quiet: boolean): void {
    for (const channel of this.#byId.values()) channel.relayThere(!quiet);
  }

  renegotiate(nowMs: number): void {
    for (const channel of this.#byId.values()) channel.renegotiate(nowMs);
  }

  timeoutMs(): number | undefined {
    let first: number | undefined;
    for (const channel of this.#byId.values()) {
      const at = channel.timeoutMs();
      if (at !== undefined && (first === undefined || at < first)) first = at;
    }
    return first;
  }

  handleTimeout(nowMs: number): void {
    for (const channel of this.#byId.values()) {
      if (isDue(channel.timeoutMs(), nowMs)) channel.handleTimeout(nowMs);
    }
  }

  // --- end -----------------------------------------------------------------------------------------------------------------------

  /** From now on nothing is applied or restarted. @returns when what is being applied is through */
  settle(): Promise<void> {
    this.#ending = true;
    return this.#applying;
  }

  /** After {@link settle}: stops every channel, and waits for those that were on their way out. They stay in status. */
  async stop(reason: string): Promise<void> {
    await Promise.all([...this.#byId.values()].map((channel) => channel.stop(reason)));
    await Promise.all(this.#removals);
  }
}

/** @returns the id of a channel that `forward()` made, which no marker can have */
export function forwardId(marker: Marker): string {
  return `${FORWARD_PREFIX}${marker.relPath}`;
}

/** The shape a marker asks for: `dial` is ours, and so is `"shape": "forward"` on the side that listens for it. */
function shapeOf(marker: Marker): ChannelShape {
  if (marker.dial !== undefined) return { kind: 'dial', host: marker.dial.host, port: marker.dial.port };
  return { kind: marker.extra?.['shape'] === 'forward' ? 'forward' : 'rendezvous', port: marker.port };
}
