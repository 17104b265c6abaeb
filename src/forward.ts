// Ad-hoc channels without marker files, as programs ask for them: both sides derive the same directory from the name. Main thread.

import type { Duplex } from 'node:stream';
import type { ReadableStream, WritableStream } from 'node:stream/web';
import { HotlinkError, isEmail, type Marker } from '../native-free/index.js';
import type { ChannelShape } from '../workers/messages.js';
import type { Hotlink } from './hotlink.js';
import { type NamesOf, refuseUnknown } from './unknown-options.js';

/** Options of `forward()`: one of `listen` and `dial`. */
export interface ForwardOptions {
  /** The peer's e-mail. */
  peer: string;
  /** Both sides give the same name: letters, digits, `.`, `_`, `-`, at most 64. */
  name: string;
  /** `host:port` for the application to dial; port 0 lets the system choose. */
  listen?: string;
  /** `host:port` of the application that this side dials. */
  dial?: string;
  /** Both sides listen and each application dials in, one stream at a time. */
  rendezvous?: boolean;
  /** Aborting rejects the call, and later closes the channel. */
  signal?: AbortSignal;
}

/**
 * A stream between this program and the peer: a half-open `node:stream` Duplex. 'finish' comes when the peer has acknowledged the last byte.
 * @remarks
 * - `for await` reads to the end of the peer's direction, and leaves this program's open; leaving the loop early destroys the stream.
 * - 'finish' comes when the peer has acknowledged the last byte, 'end' when the peer has ended and everything was read.
 * - It is destroyed with a `HotlinkError` when the peer resets it or is lost, or the channel fails (`ERR_HLNK_PEER_UNAVAILABLE`,
 *   `ERR_HLNK_GAP`, `ERR_HLNK_STRICT`, `ERR_HLNK_WORKER`); never with an 'end' that was none.
 * - Destroying it before both directions are over resets the far end, which gets `ERR_HLNK_PEER_UNAVAILABLE` with the error's message.
 * - `stop()` and an aborted signal destroy it without an error: 'close', and no 'end' or 'finish'.
 */
export interface HotlinkStream extends Duplex {
  /**
   * The same as web streams, instead of this view.
   * @remarks `readable` errors as the stream does; cancelling it discards what the peer still sends, and leaves the other direction alone. Closing `writable` is `end()`,
   * and resolves when the peer has acknowledged the last byte; aborting it destroys the stream.
   * @throws HotlinkError `ERR_HLNK_USAGE` the second time
   */
  toWeb(): { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> };
  /** Destroys it, without an error; resolves when its channel is gone. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A running ad-hoc channel. `await using` closes it. */
export interface ForwardChannel extends AsyncDisposable {
  /** Where the application dials; undefined on the dialling side. */
  readonly address: { host: string; port: number } | undefined;
  /** Drains for two seconds at most, resets what is still open, and ends the channel. */
  close(): Promise<void>;
}

/** What `connect()` is told. */
export type StreamOptions = Parameters<Hotlink['connect']>[0];

/** A stream as web streams. */
export type WebStreamPair = ReturnType<HotlinkStream['toWeb']>;

export interface ForwardPlan {
  marker: Marker;
  shape: ChannelShape;
  bind: string;
  /** Directory of our own copy, relative to the datasites. */
  directory: string;
}

const NAMES: NamesOf<ForwardOptions> = { peer: 1, name: 1, listen: 1, dial: 1, rendezvous: 1, signal: 1 };

/** @throws HotlinkError `ERR_HLNK_USAGE` when the options make no sense */
export function planForward(self: string, options: ForwardOptions): ForwardPlan {
  refuseUnknown('forward', options, NAMES, 'ERR_HLNK_USAGE');
  const { peer, name, listen, dial } = options;
  if (!isEmail(peer)) throw usage(`"${peer}" is not an e-mail address`);
  if (peer === self) throw usage('the peer is this identity itself');
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name) || /^\.+$/.test(name))
    throw usage(`"${name}" is not a channel name; use letters, digits, ".", "_" and "-", at most 64`);
  if (listen === undefined && dial === undefined) throw usage('say where applications connect (listen), or where to dial for them (dial)');
  if (listen !== undefined && dial !== undefined) throw usage('one side listens and the other dials: give listen or dial, not both');
  const where = parseAddress((listen ?? dial) as string);
  if (dial !== undefined && where.port === 0) throw usage(`"${dial}" names no port to dial`);
  const directory = `${self}/app_data/hotlink/forward/${name}/_mpc/0_to_1`;
  const [firstPid, secondPid] = [0, 1];
  const localPid = self < peer ? firstPid : secondPid;
  const marker: Marker = {
    relPath: `${directory}/stream.tcp`,
    owner: self,
    from: self,
    to: peer,
    self,
    peer,
    port: dial === undefined ? where.port : 0,
    firstPid,
    secondPid,
    localPid,
    remotePid: localPid === firstPid ? secondPid : firstPid,
    ...(dial === undefined ? {} : { dial: where }),
  };
  const shape: ChannelShape =
    dial !== undefined ? { kind: 'dial', ...where } : { kind: options.rendezvous === true ? 'rendezvous' : 'forward', port: where.port };
  return { marker, shape, bind: where.host, directory };
}

/** @param text `host:port`, an IPv6 host in brackets @throws HotlinkError `ERR_HLNK_USAGE` */
export function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw usage(`"${text}" is not host:port`);
  return { host: (match[1] ?? match[2]) as string, port };
}

const usage = (message: string): HotlinkError => new HotlinkError('ERR_HLNK_USAGE', message);
