// Everything that a data plane reports, by name and with typed fields: what its log, `on('event')`, `events()`, `status().events` and the
// diagnostics channels say. Names and fields are part of the API; more may come. Types only.

import type { HotlinkError, HotlinkErrorCode, LaneKind, ThreadRole } from '../native-free/index.js';

/** What the peer runs, as far as its message ids tell. */
export type Client = 'hotlink' | 'go' | 'rust' | 'unknown';

/**
 * Fields of each event, by its name. `sid` is a session, `key` a channel (its local path), `reason` a sentence for people, whose words
 * may change. Events that strangers can bring about come ten a second at most; `leftOut` then says how many were not reported before.
 */
export type HotlinkEventFields = {
  'relay up': { server: string };
  /** @property status HTTP status of a refused connection, 0 otherwise */
  'relay down': { reason: string; status: number };
  /** The relay does not answer pings, and answers them again. */
  'relay silent': Record<string, never>;
  'relay answers': Record<string, never>;
  'envelope refused': { reason: string; leftOut?: number };
  'network changed': { gone: string; came: string };
  'ice servers renewed': { iceServers: string };
  'ice servers not renewed': { reason: string };
  'ice server left out': { reason: string };
  'webrtc missing': { reason: string };
  /** @property forMs since its last word */
  'thread stands still': { role: ThreadRole; threadId: number; forMs: number };
  'thread goes on': { role: ThreadRole; threadId: number; forMs: number };
  'address filter failed': { address: string; reason: string };

  'marker refused': { path: string; reason: string };
  'channel added': { key: string; peer: string; port: number };
  'channel removed': { key: string; reason: string };
  'channel failed': { key: string; code: HotlinkErrorCode; reason: string };
  'channel worker died': { key: string; reason: string };
  listening: { key: string; port: number };
  /** @property code of the system, e.g. `EADDRINUSE` */
  'listen failed': { key: string; code: string; reason: string };
  'connection bound': { key: string; stream: number; reason: string };
  'connection closed': { key: string; stream: number; reason: string };
  'connection reset': { key: string; stream: number; reason: string };

  'open refused': { sid: string; reason: string; leftOut?: number };
  'session accepted': { peer: string; sid: string; direction: 'in' | 'out'; client: Client };
  'session ended': { peer: string; sid: string; reason: string };
  'session re-opened': { peer: string; oldSid: string; sid: string };
  'session lost': { peer: string; sid: string; reason: string };
  'session rejected': { peer: string; sid: string; reason: string; retryInMs: number };
  'peer restarted': { peer: string; client: Client };

  /** @property lane undefined: nothing carries now */
  lane: { key: string; peer: string; sid: string | undefined; lane: LaneKind | undefined; reason: string };
  /** @property candidates kinds, ours and theirs: `host/srflx` */
  'webrtc open': { peer: string; sid: string; candidates: string; mtu: number };
  /** A lane is to be made of more connections. @property lossy they are to give way to loss less */
  'webrtc widened': { peer: string; sid: string; connections: number; lossy: boolean };
  'webrtc failed': { peer: string; sid: string; reason: string };
  'direct open': { peer: string; sid: string; remote: string; dialled: boolean };
  'direct failed': { peer: string; sid: string; reason: string };
  'direct lane cannot listen': { sid: string; reason: string };
  'direct lane address': { host: string; reason: string };
  'direct connection refused': { sid: string; reason: string; leftOut?: number };
  'relay refused': { peer: string; sid: string; reason: string };
  'relay not sealed': { peer: string; sid: string; reason: string };
  'seal broken': { peer: string; sid: string; code: HotlinkErrorCode; reason: string };
  'signal refused': { sid: string; kind: string; reason?: string; leftOut?: number };
  'frame refused': { sid: string; reason: string; peer?: string; leftOut?: number };

  'identity pinned': { peer: string; fingerprint: string };
  'identity refused': { peer: string; sid: string; code: HotlinkErrorCode; reason: string };
  'certificate refused': { peer: string; sid: string; lane: LaneKind; reason: string; leftOut?: number };

  'ipc listening': { directory: string; address: string };
  'ipc listen failed': { directory: string; code: string; reason: string };
  'ipc application connected': { directory: string };
  'ipc application left': { directory: string };
  'ipc peer': { directory: string; peer: string };
  'ipc frame refused': { directory: string; reason: string };
  'ipc files began': { directory: string; reason: string };
  'ipc files ended': { directory: string; reason: string };
  'ipc files failed': { directory: string; reason: string };
  'ipc marker failed': { directory: string; reason: string };
  'ipc host died': { directory: string; reason: string };
};

/** Name of an event. */
export type HotlinkEventName = keyof HotlinkEventFields;

/** One thing that happened. `what` tells which fields there are. */
export type HotlinkEvent = {
  [K in HotlinkEventName]: {
    /** Counts from 1 over the life of the data plane, without gaps: where one is missing, events were dropped on the way to the reader. */
    id: number;
    /** Unix ms. */
    atMs: number;
    what: K;
    fields: HotlinkEventFields[K];
  };
}[HotlinkEventName];

/** What `on()` listeners are called with. */
export interface HotlinkEvents {
  /**
   * The data plane cannot do its work any more, though it goes on trying: `ERR_HLNK_AUTH` (the relay refuses the identity), `ERR_HLNK_STRICT`
   * (a fallback was needed in strict mode), `ERR_HLNK_WORKER` (the relay worker died). The command exits for it; an embedding program decides.
   */
  fatal: [error: HotlinkError];
  /** Something that `status()` shows has changed. At most once a turn of the event loop. */
  change: [];
  /** A local connection closed, or the data plane is about to stop: a moment to write down what is measured. */
  flush: [];
  /** Something happened. The third argument is the same with its types: `if (event.what === 'lane') event.fields.lane`. */
  event: [what: HotlinkEventName, fields: Record<string, unknown>, event: HotlinkEvent];
}

/** How an event is logged. */
export type EventLevel = 'info' | 'warn' | 'error';

/** Where the control plane's objects report what happened. */
export type Report = <K extends HotlinkEventName>(what: K, fields: HotlinkEventFields[K], level?: EventLevel) => void;
