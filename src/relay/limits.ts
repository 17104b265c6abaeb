// Every number the relay goes by: default, range, the memory it bounds, what happens to whoever goes beyond it, and the metric that counts
// it. The settings, the flags and the tables in docs/relay.md and docs/relay-configuration.md all come from here. Pure.
import { HotlinkError } from '../../native-free/errors.js';

/** What a relay bears; defaults and ranges: docs/relay-configuration.md, and what happens beyond: docs/relay.md. */
export interface RelayLimits {
  /** WebSocket connections in all. */
  readonly maxConnections: number;
  /** WebSocket connections of one user. */
  readonly maxConnectionsPerUser: number;
  /** Connections from one address (IPv6: from one /64), as far as they are not a trusted proxy's. */
  readonly maxConnectionsPerAddress: number;
  /** From the TCP connection to the end of the TLS handshake, and from there to the end of the request's head, ms. */
  readonly handshakeMs: number;
  /** From the TCP connection to the end of the request's body, ms. */
  readonly requestMs: number;
  /** Authentication decides within this long, ms. */
  readonly authMs: number;
  /** The head of an HTTP request, bytes. */
  readonly maxHeaderBytes: number;
  /** The body of an HTTP request, bytes. */
  readonly maxBodyBytes: number;
  /** One WebSocket message, bytes. */
  readonly maxMessageBytes: number;
  /** Fragments of one WebSocket message. */
  readonly maxFragments: number;
  /** Messages, pings and HTTP requests of one user per second, a second's worth at once; 0: any number. */
  readonly messagesPerSecond: number;
  /** Bytes in messages of one user per second, a second's worth at once; 0: any number. */
  readonly bytesPerSecond: number;
  /** How long a user may go on wanting more messages than that without a break, ms; 0: for ever. */
  readonly throttleCloseMs: number;
  /** Sessions one user has open. */
  readonly maxSessionsPerUser: number;
  /** Sessions of all users. */
  readonly maxSessions: number;
  /** How long the sessions of a user without any connection are kept, ms. */
  readonly sessionTtlMs: number;
  /** A recipient with more than this waiting stops the senders that feed it, bytes. */
  readonly highWaterBytes: number;
  /** With no more than this waiting they go on, bytes. */
  readonly lowWaterBytes: number;
  /** How long a recipient may take nothing while bytes wait for it, ms. */
  readonly stuckMs: number;
  /** Waiting for all recipients together, and come of messages that are not complete, bytes. */
  readonly maxQueuedBytes: number;
  /** A connection that was silent for this long is pinged, ms. */
  readonly pingMs: number;
  /** How long it may then stay silent, ms. */
  readonly pongMs: number;
  /** One ACL file, bytes. */
  readonly maxAclFileBytes: number;
  /** ACL files one owner has. */
  readonly maxAclFilesPerUser: number;
  /** ACL files of all owners. */
  readonly maxAclFiles: number;
  /** The path of a session or an ACL file, UTF-8 bytes. */
  readonly maxPathBytes: number;
  /** How long a relay that is drained goes on delivering what it holds, ms. */
  readonly drainMs: number;
}

/** One number, its bounds and what it means to a client. */
export interface LimitRow {
  readonly key: keyof RelayLimits;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly meaning: string;
  readonly memory?: string;
  /** What whoever goes beyond it sees. */
  readonly refusal: string;
  /** Name of the metric, without prefix and suffix. */
  readonly metric?: string;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

export const LIMITS: readonly LimitRow[] = [
  {
    key: 'maxConnections',
    default: 10_000,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    meaning: 'WebSocket connections in all.',
    memory: 'about 60 KiB per idle connection',
    refusal: 'HTTP 503 `E_SERVICE_UNAVAILABLE`; 1,024 sockets more than this are not even answered',
    metric: 'refused_connections{reason="total"}',
  },
  {
    key: 'maxConnectionsPerUser',
    default: 64,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    meaning: 'WebSocket connections of one user.',
    refusal: 'HTTP 429 `E_RATE_LIMITED`',
    metric: 'refused_connections{reason="user"}',
  },
  {
    key: 'maxConnectionsPerAddress',
    default: 1024,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    meaning: 'WebSocket connections from one address, IPv6 from one /64. Whole offices share one; behind a proxy see `trustProxy`.',
    refusal: 'HTTP 429 `E_RATE_LIMITED`; 64 sockets more than this are reset at once',
    metric: 'refused_connections{reason="address"}',
  },
  {
    key: 'handshakeMs',
    default: 10_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    meaning: 'From the TCP connection to the end of the TLS handshake, and from there to the end of the request’s head.',
    refusal: 'HTTP 408, closed (TLS: closed)',
    metric: 'slow_requests',
  },
  {
    key: 'requestMs',
    default: 30_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    meaning: 'From the TCP connection to the end of the body of the request.',
    refusal: 'HTTP 408, closed',
    metric: 'slow_requests',
  },
  {
    key: 'authMs',
    default: 5000,
    min: 100,
    max: 60_000,
    unit: 'ms',
    meaning: 'How long authentication may take to decide; for an embedder’s own.',
    refusal: 'HTTP 503 `E_SERVICE_UNAVAILABLE`',
    metric: 'auth_errors',
  },
  {
    key: 'maxHeaderBytes',
    default: 16 * KiB,
    min: 1 * KiB,
    max: 1 * MiB,
    unit: 'bytes',
    meaning: 'Head of an HTTP request.',
    refusal: 'HTTP 431, closed',
    metric: 'bad_requests',
  },
  {
    key: 'maxBodyBytes',
    default: 1 * MiB,
    min: 1,
    max: 64 * MiB,
    unit: 'bytes',
    meaning: 'Body of an HTTP request.',
    memory: 'this per request',
    refusal: 'HTTP 413 `E_INVALID_REQUEST`, closed',
    metric: 'large_bodies',
  },
  {
    key: 'maxMessageBytes',
    default: 8 * MiB, // upstream's (wire §1.5): every client sizes its messages by it
    min: 1 * KiB,
    max: 128 * MiB,
    unit: 'bytes',
    meaning: 'One WebSocket message. Upstream’s clients size theirs by 8 MiB.',
    memory: 'this per connection, for a message that is not complete',
    refusal: 'close 1009',
    metric: 'bad_messages{code="1009"}',
  },
  {
    key: 'maxFragments',
    default: 1024,
    min: 1,
    max: 65_536,
    unit: 'fragments',
    meaning: 'Fragments of one WebSocket message, empty ones included.',
    refusal: 'close 1008',
    metric: 'bad_messages{code="1008"}',
  },
  {
    key: 'messagesPerSecond',
    default: 20_000, // ten times what a full relay lane of one peer needs
    min: 0,
    max: 10_000_000,
    unit: 'messages per second',
    meaning: 'Messages, pings and HTTP requests of one user, over all its connections; a second’s worth may come at once. 0: any number.',
    refusal: 'its connections are not read until it is within the limit again; HTTP 429 `E_RATE_LIMITED`; see `throttleCloseMs`',
    metric: 'throttled',
  },
  {
    key: 'bytesPerSecond',
    default: GiB,
    min: 0,
    max: 64 * GiB,
    unit: 'bytes per second',
    meaning: 'Bytes in messages of one user, over all its connections; a second’s worth may come at once. 0: any number.',
    refusal: 'its connections are not read until it is within the limit again',
    metric: 'throttled',
  },
  {
    key: 'throttleCloseMs',
    default: 60_000,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    meaning:
      'How long a user may go on wanting more than `messagesPerSecond` without a break. Wanting more bytes than it may is no abuse. 0: for ever.',
    refusal: 'close 1008 `too many messages`, all its connections',
    metric: 'rate_disconnects',
  },
  {
    key: 'maxSessionsPerUser',
    default: 1024,
    min: 1,
    max: 1_000_000,
    unit: 'sessions',
    meaning: 'Sessions one user has open. Beyond it the oldest one that nobody accepted makes room.',
    memory: 'about 5 KiB each, with the longest paths',
    refusal: 'Reject `too many sessions: close some first`',
    metric: 'refused_opens{reason="over-limit"}',
  },
  {
    key: 'maxSessions',
    default: 65_536,
    min: 1,
    max: 10_000_000,
    unit: 'sessions',
    meaning: 'Sessions of all users.',
    memory: 'about 5 KiB each, with the longest paths',
    refusal: 'Reject `too many sessions: close some first`',
    metric: 'refused_opens{reason="over-limit"}',
  },
  {
    key: 'sessionTtlMs',
    default: 600_000, // outlives a reconnect and a restarted router
    min: 1000,
    max: 86_400_000,
    unit: 'ms',
    meaning: 'How long the sessions of a user without any connection are kept.',
    refusal: 'forgotten; then Reject `unknown session`',
    metric: 'sessions_expired',
  },
  {
    key: 'highWaterBytes',
    default: 4 * MiB, // 64 frames of 60 KiB: a burst is absorbed, a stopped reader is noticed
    min: 64 * KiB,
    max: 1 * GiB,
    unit: 'bytes',
    meaning: 'A recipient with more than this waiting stops the senders that feed it.',
    memory: 'this per connection and, for each of its senders, one message',
    refusal: 'the senders’ connections are not read meanwhile; nothing is dropped',
    metric: 'pauses',
  },
  {
    key: 'lowWaterBytes',
    default: 1 * MiB, // enough left to keep the wire busy while the senders wake up
    min: 0,
    max: 1 * GiB,
    unit: 'bytes',
    meaning: 'With no more than this waiting they go on.',
    refusal: '–',
  },
  {
    key: 'stuckMs',
    default: 20_000, // upstream's write timeout (wire §1.5)
    min: 100,
    max: 600_000,
    unit: 'ms',
    meaning: 'How long a recipient may take nothing while bytes wait for it.',
    refusal: 'close 1013 `takes nothing`',
    metric: 'stuck_disconnects',
  },
  {
    key: 'maxQueuedBytes',
    default: 512 * MiB,
    min: 1 * MiB,
    max: 64 * GiB,
    unit: 'bytes',
    meaning: 'What waits for all recipients together, and what has come of messages that are not complete.',
    memory: 'this, and what comes or is sent in a second',
    refusal: 'close 1013 `too slow for a full relay`, the connection with the most',
    metric: 'overflow_disconnects',
  },
  {
    key: 'pingMs',
    default: 15_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    meaning: 'A connection that was silent for this long is pinged.',
    refusal: '–',
  },
  {
    key: 'pongMs',
    default: 20_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    meaning: 'How long it may then stay silent: a half-open connection is found within the two together.',
    refusal: 'cut off',
    metric: 'silent_disconnects',
  },
  {
    key: 'maxAclFileBytes',
    default: 256 * KiB,
    min: 64,
    max: 16 * MiB,
    unit: 'bytes',
    meaning: 'One ACL file. One on disk that is larger locks its directory to its owner.',
    refusal: 'HTTP 413 `E_INVALID_REQUEST`; Nack',
    metric: 'acl_refused',
  },
  {
    key: 'maxAclFilesPerUser',
    default: 4096, // a flow of many parties writes a few per run
    min: 1,
    max: 1_000_000,
    unit: 'files',
    meaning: 'ACL files of one owner.',
    refusal: 'HTTP 403 `E_ACL_UPDATE_FAILED`; Nack',
    metric: 'acl_refused',
  },
  {
    key: 'maxAclFiles',
    default: 65_536,
    min: 1,
    max: 10_000_000,
    unit: 'files',
    meaning: 'ACL files of all owners.',
    memory: 'a few times their size',
    refusal: 'HTTP 403 `E_ACL_UPDATE_FAILED`; Nack',
    metric: 'acl_refused',
  },
  {
    key: 'maxPathBytes',
    default: 4096, // the protocol's (wire §3.2)
    min: 64,
    max: 4096,
    unit: 'bytes',
    meaning: 'Path of a session or of an ACL file, in UTF-8.',
    refusal: 'Reject `invalid path: …`; HTTP 400 `E_DATASITE_INVALID_PATH`; Nack',
    metric: 'refused_opens{reason="bad-path"}',
  },
  {
    key: 'drainMs',
    default: 5000,
    min: 0,
    max: 600_000,
    unit: 'ms',
    meaning: 'How long a relay that is drained (SIGTERM) goes on delivering what it holds.',
    refusal: 'close 1012 `the relay restarts: connect again`; HTTP 503 `E_SERVICE_UNAVAILABLE` for who comes',
    metric: 'refused_connections{reason="draining"}',
  },
];

/** What a relay goes by where nothing else is given. */
export const DEFAULT_LIMITS: RelayLimits = Object.fromEntries(LIMITS.map((row) => [row.key, row.default])) as unknown as RelayLimits;

/**
 * The defaults with what was given in their place.
 * @throws HotlinkError ERR_HLNK_CONFIG for a value that is no whole number or out of its range
 */
export function limitsOf(given: Partial<RelayLimits> = {}): RelayLimits {
  for (const { key, min, max, unit } of LIMITS) {
    const value = given[key];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= min && value <= max))
      throw new HotlinkError('ERR_HLNK_CONFIG', `the relay's limit ${key} is ${min} to ${max} ${unit}, not ${value}`);
  }
  const limits = { ...DEFAULT_LIMITS, ...given };
  if (limits.lowWaterBytes > limits.highWaterBytes)
    throw new HotlinkError('ERR_HLNK_CONFIG', "the relay's lowWaterBytes is more than its highWaterBytes");
  return limits;
}

/** The table for the documentation: who goes beyond what sees which refusal, and where it is counted. */
export function limitsMarkdown(): string {
  const rows = LIMITS.map(({ key, default: value, unit, refusal, metric }) => [
    `\`${key}\``,
    value.toLocaleString('en-US'),
    unit,
    refusal,
    metric === undefined ? '–' : `\`hotlink_relay_${metric.replace(/(\{|$)/, '_total$1')}\``,
  ]);
  const head = ['limit', 'default', 'unit', 'beyond it', 'counted by'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
