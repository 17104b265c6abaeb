// The ports of a data plane: what an embedding program may supply in place of what hotlink brings along. Called on the main thread; what is
// thrown there is reported as an event and costs the one connection or address, never the data plane. Types only.

import type { Clock } from './clock.js';
import type { Log } from './options.js';
import type { Signaling } from './signaling.js';

/** One address that is about to be used. */
export interface AddressUse {
  /** An IP address, or a `.local` name of a browser's candidate. */
  address: string;
  /** `local`: one of ours, about to be told to the peer. `remote`: one that the peer told us, about to be tried. */
  side: 'local' | 'remote';
  /** What it is for. */
  lane: 'webrtc' | 'direct';
  /** How it was found, of WebRTC: `host`, `srflx` (what a STUN server saw) or `relay` (at a TURN server). `host` on the direct lane. */
  kind: string;
  /** The peer's e-mail. */
  peer: string;
}

/**
 * Decides which addresses may be used: false keeps a local one from the peer, and a remote one from being tried. It cannot keep the system from
 * sending from an address that the peer was not told, nor the peer from dialling in.
 */
export type AddressFilter = (use: AddressUse) => boolean;

/** STUN and TURN servers of one connection. */
export interface IceServerList {
  /** `stun:host[:port]`, `turn:host[:port]`; TURN over UDP only. Entries that cannot be used are left out, with an event. */
  urls: readonly string[];
  /** User name for the TURN entries, which need both. */
  username?: string;
  /** Password for them. */
  credential?: string;
}

/** One connection that wants to know its servers. */
export interface IceServersRequest {
  /** The peer's e-mail. */
  peer: string;
  /** Aborted when the connection is given up before the answer is there, and after 5000 ms. */
  signal: AbortSignal;
}

/**
 * Names the STUN and TURN servers of a WebRTC connection, each time one is made; for example with credentials that end. A failure, or no
 * answer within 5000 ms, is an event (`ice server left out`), and the connection goes on with host candidates only.
 */
export type IceServersFor = (request: IceServersRequest) => IceServerList | Promise<IceServerList>;

/**
 * Where the modules lie that worker threads begin with, for programs that are bundled: each must be, or re-export, the module of the same role in
 * this package (`dist/workers/channel/entry.js`, `dist/workers/relay/entry.js`).
 */
export interface WorkerEntries {
  /** A `file:` URL. Default: beside this package's own modules. */
  channel?: URL;
  /** A `file:` URL. Not used with `signaling`. */
  relay?: URL;
}

/** What an embedding program may supply itself. Everything is optional. */
export interface HotlinkPorts {
  /** Carries the control messages in place of the relay; then there is no relay lane, and no connection to any server of ours. Instead of `server`. */
  signaling?: Signaling;
  /** Hears what happens. Default: nobody; the library prints nothing. */
  log?: Log;
  /** The time that the main thread goes by. Default: the system's. The worker threads always keep the system's. */
  clock?: Clock;
  /** Where the worker threads' modules lie. */
  workers?: WorkerEntries;
  /** Which addresses may be used for WebRTC candidates and for direct connections. Default: all that {@link HotlinkSettings.iceFilter} leaves. */
  addressFilter?: AddressFilter;
}
