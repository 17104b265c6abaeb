// The marker file `stream.tcp`: who is linked to whom through which local port (wire §4.1, workloads §1.3 and §2.4).
// Invariant: text from a file never throws; a refusal names the field and says what to write instead.
import { checkPath, isEmail, ownerOf } from './path.js';

/** What a marker file says, as one of its two parties reads it. */
export interface Marker {
  /** Datasite-relative path of the file, `a@x/.../0_to_1/stream.tcp`. */
  readonly relPath: string;
  /** Owner of the datasite the file lies in. */
  readonly owner: string;
  /** E-mail of one party. */
  readonly from: string;
  /** E-mail of the other. */
  readonly to: string;
  /** That of the two which is this side. */
  readonly self: string;
  /** The other one. */
  readonly peer: string;
  /** Local listening port, 1..65535; 0 only when `dial` is given and the marker names no port. */
  readonly port: number;
  /** The first party id of the directory's name `<firstPid>_to_<secondPid>`. */
  readonly firstPid: number;
  /** The second. */
  readonly secondPid: number;
  /** Which of the two is this side: `local_party_id`, else the first one when `from` is this side. */
  readonly localPid: number;
  /** Which of the two is the peer. */
  readonly remotePid: number;
  /** What this side dials instead of listening (our own key). */
  readonly dial?: { readonly host: string; readonly port: number };
  /** Keys we do not use (`global_base`, `party_count`, ...), kept for diagnostics. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export type DialTarget = NonNullable<Marker['dial']>;
export type MarkerResult = ReturnType<typeof parseMarker>;

/** Markers are a few hundred bytes; a larger file is something else under the same name. */
export const MAX_MARKER_CHARS = 65536;

const FILE_NAME = 'stream.tcp';
const EXAMPLE = '{"from":"a@x.org","to":"b@x.org","port":9001}';
// Nine digits: every pid stays a safe integer and none loses digits when it is printed again.
const PID = /^\d{1,9}$/;
const USED_KEYS = new Set(['from', 'to', 'port', 'ports', 'dial']);

/** Reads a `stream.tcp` file that lies at `relPath` below `datasites/`. `not-mine`: a good one of two other parties, to be passed over in silence. */
export function parseMarker(
  text: string,
  relPath: string,
  localEmail: string,
): { readonly ok: true; readonly marker: Marker } | { readonly ok: false; readonly code: 'not-mine' | 'invalid'; readonly reason: string } {
  const where = readLocation(relPath);
  if (typeof where === 'string') return invalid(where);
  const fields = readObject(text);
  if (typeof fields === 'string') return invalid(fields);

  const from = readEmail(fields, 'from');
  const to = readEmail(fields, 'to');
  if (!from.ok) return invalid(from.reason);
  if (!to.ok) return invalid(to.reason);
  if (from.email === to.email) return invalid(`"from" and "to" are both ${from.email}; a channel needs two parties`);
  if (from.email !== localEmail && to.email !== localEmail) {
    return {
      ok: false,
      code: 'not-mine',
      reason: `not for this identity: the marker links ${from.email} and ${to.email}, not ${localEmail}`,
    };
  }

  const dial = readDial(fields);
  if (typeof dial === 'string') return invalid(dial);
  const port = readPort(fields, localEmail, dial !== undefined);
  if (typeof port === 'string') return invalid(port);

  const [firstPid, secondPid] = where;
  const localPid = readLocalPid(fields, where, from.email === localEmail ? firstPid : secondPid);
  const extra = Object.fromEntries(Object.entries(fields).filter(([key]) => !USED_KEYS.has(key)));
  const marker: Marker = {
    relPath,
    owner: ownerOf(relPath),
    from: from.email,
    to: to.email,
    self: localEmail,
    peer: from.email === localEmail ? to.email : from.email,
    port,
    firstPid,
    secondPid,
    localPid,
    remotePid: localPid === firstPid ? secondPid : firstPid,
    ...(dial === undefined ? {} : { dial }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
  return { ok: true, marker };
}

/**
 * Split `host:port`; an IPv6 host stands in brackets.
 * @returns undefined when it is not of that form or the port is not 1..65535
 */
export function parseHostPort(text: string): DialTarget | undefined {
  const match = /^(?:\[([0-9a-zA-Z:.%_-]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  return isPort(port) ? { host: (match[1] ?? match[2]) as string, port } : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function readLocation(relPath: string): readonly [number, number] | string {
  const verdict = checkPath(relPath);
  if (verdict !== 'ok') return `the marker's path is unusable (${verdict}); it must be <email>/<dirs>/<a>_to_<b>/${FILE_NAME}`;
  const segments = relPath.split('/');
  const directory = segments.at(-2);
  if (segments.at(-1) !== FILE_NAME || segments.length < 3 || directory === undefined) {
    return `the marker must be called ${FILE_NAME} and lie in a directory <a>_to_<b> under a datasite`;
  }
  // Go wants exactly two pieces, Rust ignores further ones; the wider reading accepts both upstreams' markers.
  const [first, second] = directory.split('_to_');
  if (first === undefined || second === undefined || !PID.test(first) || !PID.test(second)) {
    return `the directory "${directory}" must be called <a>_to_<b> with two party numbers, for example 0_to_1`;
  }
  return [Number(first), Number(second)];
}

function readObject(text: string): Fields | string {
  if (text.length > MAX_MARKER_CHARS) return `the marker is larger than ${MAX_MARKER_CHARS} characters; write ${EXAMPLE}`;
  const trimmed = text.replace(/^\uFEFF/, '').trim();
  if (trimmed === '') return `the marker is empty; write ${EXAMPLE}`;
  if (/^(\S+:)?\d{1,5}$/.test(trimmed)) return `the marker holds only an address; "from" and "to" are needed too: write ${EXAMPLE}`;
  try {
    const value: unknown = JSON.parse(trimmed);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
    return `the marker must be a JSON object; write ${EXAMPLE}`;
  } catch (error) {
    return `the marker is not valid JSON (${error instanceof Error ? error.message : 'unreadable'}); write ${EXAMPLE}`;
  }
}

type EmailField = { readonly ok: true; readonly email: string } | { readonly ok: false; readonly reason: string };

function readEmail(fields: Fields, key: 'from' | 'to'): EmailField {
  const value = own(fields, key);
  if (typeof value !== 'string' || value.trim() === '')
    return { ok: false, reason: `"${key}" is missing; it must be the e-mail of a party` };
  const email = value.trim();
  return isEmail(email) ? { ok: true, email } : { ok: false, reason: `"${key}" is ${JSON.stringify(email)}, which is not an e-mail` };
}

function readDial(fields: Fields): DialTarget | undefined | string {
  const value = own(fields, 'dial');
  if (value === undefined || value === null) return undefined;
  const target = typeof value === 'string' ? parseHostPort(value) : undefined;
  return target ?? `"dial" is ${JSON.stringify(value)}; it must be "host:port" with a port of 1 to 65535, an IPv6 host in brackets`;
}

/** `ports[me]`, else `port`: Go falls back when I am not listed, Rust ignores the marker; the wider reading serves both. */
function readPort(fields: Fields, localEmail: string, hasDial: boolean): number | string {
  const ports = own(fields, 'ports');
  if (ports !== undefined && ports !== null) {
    if (typeof ports !== 'object' || Array.isArray(ports)) return '"ports" must be an object from e-mail to port number';
    const mine = own(ports as Fields, localEmail);
    if (mine !== undefined)
      return isPort(mine) ? mine : `"ports"["${localEmail}"] is ${JSON.stringify(mine)}; it must be a number of 1 to 65535`;
  }
  const port = own(fields, 'port');
  if (isPort(port)) return port;
  // A side that dials listens nowhere, so only there a missing port is no mistake.
  if (hasDial && (port === undefined || port === null || port === 0)) return 0;
  if (port === undefined || port === null || port === 0)
    return `no port for ${localEmail}: set "port" or "ports"["${localEmail}"] to 1 to 65535`;
  return `"port" is ${JSON.stringify(port)}; it must be a number of 1 to 65535`;
}

function readLocalPid(fields: Fields, [first, second]: readonly [number, number], otherwise: number): number {
  const declared = own(fields, 'local_party_id');
  return declared === first || declared === second ? declared : otherwise;
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535;
}

function own(fields: Fields, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

function invalid(reason: string): MarkerResult {
  return { ok: false, code: 'invalid', reason };
}
