// Ad-hoc channels without marker files: both sides derive the same directory from the name, and each grants the peer access to its own
// copy of it at the relay, so that nothing has to be prepared. Main thread.

import { HotlinkError, isEmail, type Marker } from '../native-free/index.js';
import type { ChannelShape } from '../workers/messages.js';

export interface ForwardOptions {
  /** The peer's e-mail. */
  peer: string;
  /** Both sides give the same name: letters, digits, `.`, `_`, `-`, at most 64. */
  name: string;
  /** `host:port` for the application to dial; port 0 lets the system choose. */
  listen?: string;
  /** `host:port` of the application that this side dials. */
  dial?: string;
  /** Both sides listen and each application dials in (one stream at a time). With `listen` only. */
  rendezvous?: boolean;
  signal?: AbortSignal;
}

/** Options of `connect()`. */
export interface ConnectOptions extends Pick<ForwardOptions, 'peer' | 'name'> {
  /** Aborting closes the stream. */
  signal?: AbortSignal;
}

/** A running ad-hoc channel. */
export interface ForwardChannel extends AsyncDisposable {
  /** Where the application dials; undefined on the dialling side. */
  readonly address: { host: string; port: number } | undefined;
  close(): Promise<void>;
}

export interface ForwardPlan {
  marker: Marker;
  shape: ChannelShape;
  bind: string;
  /** Directory of our own copy, relative to the datasites. */
  directory: string;
}

/** @throws HotlinkError `ERR_HLNK_USAGE` when the options make no sense */
export function planForward(self: string, options: ForwardOptions): ForwardPlan {
  const { peer, name, listen, dial } = options;
  if (!isEmail(peer)) throw usage(`"${peer}" is not an e-mail address`);
  if (peer === self) throw usage('the peer is this identity itself');
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name) || /^\.+$/.test(name))
    throw usage(`"${name}" is not a channel name; use letters, digits, ".", "_" and "-", at most 64`);
  if ((listen === undefined) === (dial === undefined)) throw usage('give either listen or dial');
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

/**
 * Uploads the ACL that lets the peer open and read our copy of the channel's directory.
 * @throws HotlinkError `ERR_HLNK_RELAY_UNAVAILABLE`, `ERR_HLNK_DENIED`
 */
export async function grant(
  server: string,
  self: string,
  plan: ForwardPlan,
  token: string | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const url = new URL(server);
  url.protocol = url.protocol.replace(/^ws/, 'http');
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/acl`;
  url.searchParams.set('user', self);
  url.searchParams.set('key', `${plan.directory}/syft.pub.yaml`);
  const both = [self, plan.marker.peer];
  // JSON is YAML: no quoting rules to get wrong.
  const acl = JSON.stringify({ terminal: false, rules: [{ pattern: '**', access: { admin: [self], write: both, read: both } }] });
  const form = new FormData();
  form.set('file', new Blob([acl]), 'syft.pub.yaml');
  let answer: Response;
  try {
    answer = await fetch(url, {
      method: 'PUT',
      body: form,
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    throw new HotlinkError('ERR_HLNK_RELAY_UNAVAILABLE', `the relay at ${server} cannot be reached: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!answer.ok)
    throw new HotlinkError(
      'ERR_HLNK_DENIED',
      `the relay refused the permissions for ${plan.directory}: HTTP ${answer.status} ${await answer.text()}`,
    );
}

/** @param text `host:port`, an IPv6 host in brackets @throws HotlinkError `ERR_HLNK_USAGE` */
export function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw usage(`"${text}" is not host:port`);
  return { host: (match[1] ?? match[2]) as string, port };
}

const usage = (message: string): HotlinkError => new HotlinkError('ERR_HLNK_USAGE', message);
