// What one channel is made from and what it reports: the two sides of the border between a channel and the set it belongs to. Types only.
// Main thread.

import type { ChannelLimits, HotlinkErrorCode, HotlinkMessage, Marker } from '../../native-free/index.js';
import type { ChannelShape, DirectIdentity, IceSettings, RtcSettings, ToRelay } from '../../workers/messages.js';
import type { Clock } from '../clock.js';
import type { Report } from '../events.js';
import type { AddressFilter, IceServersFor, SealMode } from '../options.js';
import type { Identities } from './identities.js';

export interface ChannelOptions {
  /** Names the channel to the relay worker and to the inbound sessions. Never used twice in one run. */
  index: number;
  marker: Marker;
  email: string;
  host: string;
  /** Other hotlinks are recognised as such. */
  ownPeers: boolean;
  bind: string;
  shape: ChannelShape;
  limits: ChannelLimits;
  /** Why there is no WebRTC although nobody switched it off, a sentence. */
  webrtcMissing: string | undefined;
  rtc: RtcSettings;
  quickAck: boolean;
  ice: IceSettings;
  /** Leave addresses of container bridges and link-local ones out of WebRTC. */
  iceFilter: boolean;
  mtu: number | 'auto';
  seal: SealMode;
  identities: Identities;
  clock: Clock;
  /** The embedding program's word on addresses. */
  addressFilter: AddressFilter | undefined;
  /** The embedding program names the servers of each connection; `ice` does not count then. */
  iceServersFor: IceServersFor | undefined;
  /** Where the numbering toward an upstream peer goes on, by path. */
  numbers: [string, number][];
  /** Undefined where the direct lane is off. */
  direct: DirectIdentity | undefined;
  /** Host that peers are told to dial; undefined: the addresses of our interfaces. */
  directHost: string | undefined;
}

export interface ChannelEvents {
  /** Sends a control message in the name of the channel's epoch. */
  send(message: HotlinkMessage): void;
  relay(message: ToRelay): void;
  /** Something that status shows changed, or a machine has a new deadline. */
  changed(): void;
  /** On a session without a receiver, a peer of our own kind says who it is. */
  hello(email: string): void;
  /** A peer closed its session to go on with files (wire.md 6.5). */
  fellBack(): void;
  /** What the next life of this channel is to be given as `numbers`. */
  numbers(numbers: [string, number][]): void;
  /** A local connection closed: a moment to write telemetry. */
  flush(): void;
  event: Report;
  /** A session that the peer opened is refused from here on: it is to be closed. */
  refuse(sid: string, reason: string): void;
  /** For the debug log only. */
  trace(what: string, fields: Record<string, unknown>): void;
  /** @param over the channel must be started anew */
  failed(code: HotlinkErrorCode, message: string, over: boolean): void;
  died(error: Error): void;
}
