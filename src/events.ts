// Everything that a data plane reports, by name and with typed fields: what its log, `on('event')`, `events()`, `status().events` and the
// diagnostics channels say. Names and fields are part of the API; more may come. Types only.

import type { HotlinkError, HotlinkErrorCode, LaneKind } from '../native-free/index.js';
import type { SessionStatus } from './status.js';

/** What the peer runs, as far as its message ids tell. */
export type Client = SessionStatus['client'];

/**
 * The fields of each event, by its name: `sid` a session, `key` a channel (its local path), `reason` a sentence for people, or empty.
 * @remarks Words of a `reason` may change. Events that strangers can cause come ten a second at most; `leftOut` says how many were not reported before.
 */
export type HotlinkEventFields = {
  'relay up': { server: string };
  /** @property status HTTP status of a refused connection, 0 otherwise */
  'relay down': { reason: string; status: number };
  'network changed': { gone: string; came: string };
  'ice servers renewed': { iceServers: string };
  'address filter failed': { address: string; reason: string };
  'envelope refused': { reason: string; leftOut?: number };
  'marker refused': { path: string; reason: string };
  'channel added': { key: string; peer: string; port: number };
  'channel failed': { key: string; code: HotlinkErrorCode; reason: string };
  listening: { key: string; port: number };
  /** @property code of the system, e.g. `EADDRINUSE` */
  'listen failed': { key: string; code: string; reason: string };
  'session accepted': { peer: string; sid: string; direction: 'in' | 'out'; client: 'hotlink' | 'go' | 'rust' | 'unknown' };
  'session re-opened': { peer: string; oldSid: string; sid: string };
  'permission not renewed': { peer: string; reason: string };
  'session rejected': { peer: string; sid: string; reason: string; retryInMs: number };
  'peer restarted': { peer: string; client: 'hotlink' | 'go' | 'rust' | 'unknown' };
  /** @property lane undefined: nothing carries now */
  lane: { key: string; peer: string; sid: string | undefined; lane: LaneKind | undefined; reason: string };
  /** @property candidates kinds, ours and theirs: `host/srflx` */
  'webrtc open': { peer: string; sid: string; candidates: string; mtu: number };
  /** A lane is to have more connections. @property lossy they are to give way to loss less */
  'webrtc widened': { peer: string; sid: string; connections: number; lossy: boolean };
  'direct open': { peer: string; sid: string; remote: string; dialled: boolean };
  'direct lane cannot listen': { sid: string; reason: string };
  'direct lane address': { host: string; reason: string };
  'signal refused': { sid: string; kind: string; reason?: string; leftOut?: number };
  'frame refused': { sid: string; reason: string; peer?: string; leftOut?: number };
  'identity pinned': { peer: string; fingerprint: string };
  'certificate refused': { peer: string; sid: string; lane: LaneKind; reason: string; leftOut?: number };
  'ipc listening': { directory: string; address: string };
  'ipc listen failed': { directory: string; code: string; reason: string };
  'ipc peer': { directory: string; peer: string };
} & Record<'relay silent' | 'relay answers', Record<string, never>> &
  Record<'ice servers not renewed' | 'ice server left out' | 'webrtc missing', { reason: string }> &
  Record<'thread stands still' | 'thread goes on', { role: 'main' | 'relay' | 'channel'; threadId: number; forMs: number }> &
  Record<'channel removed' | 'channel worker died', { key: string; reason: string }> &
  Record<'connection bound' | 'connection closed' | 'connection reset', { key: string; stream: number; reason: string }> &
  Record<'open refused' | 'direct connection refused', { sid: string; reason: string; leftOut?: number }> &
  Record<
    'session ended' | 'session lost' | 'webrtc failed' | 'direct failed' | 'relay refused' | 'relay not sealed',
    { peer: string; sid: string; reason: string }
  > &
  Record<'seal broken' | 'identity refused', { peer: string; sid: string; code: HotlinkErrorCode; reason: string }> &
  Record<'ipc application connected' | 'ipc application left', { directory: string }> &
  Record<
    'ipc frame refused' | 'ipc files began' | 'ipc files ended' | 'ipc files failed' | 'ipc marker failed' | 'ipc host died',
    { directory: string; reason: string }
  >;

/** Name of an event. */
export type HotlinkEventName = keyof HotlinkEventFields;

/** One thing that happened, at Unix time `atMs`. `what` tells which `fields` there are; `id` counts from 1, a gap means that events were dropped. */
export type HotlinkEvent = {
  [K in keyof HotlinkEventFields]: { id: number; atMs: number; what: K; fields: HotlinkEventFields[K] };
}[keyof HotlinkEventFields];

/** What `on()` listeners are called with. */
export interface HotlinkEvents {
  /**
   * The data plane cannot do its work, though it goes on trying: `ERR_HLNK_AUTH` (the relay refuses the identity), `ERR_HLNK_STRICT` or
   * `ERR_HLNK_WORKER` (the relay's thread died).
   * @remarks `ERR_HLNK_STRICT`: a fallback was needed in strict mode. The command exits for it; an embedding program decides.
   */
  fatal: [error: HotlinkError];
  /** Something that `status()` shows has changed. At most once a turn of the event loop. */
  change: [];
  /** A local connection closed, or the data plane is about to stop: a moment to write down what is measured. */
  flush: [];
  /** Something happened. `event` is the same with its types: `if (event.what === 'lane') event.fields.lane`. */
  event: [what: HotlinkEvent['what'], fields: Record<string, unknown>, event: HotlinkEvent];
}

/** How an event is logged. */
export type EventLevel = 'info' | 'warn' | 'error';

/** Where the control plane's objects report what happened. */
export type Report = <K extends HotlinkEventName>(what: K, fields: HotlinkEventFields[K], level?: EventLevel) => void;
