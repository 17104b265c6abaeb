// What the relay server can be told; the numbers it goes by are in limits.ts.
import { HotlinkError } from '../../native-free/index.js';
import type { Log } from '../options.js';
import { type NamesOf, refuseUnknown } from '../unknown-options.js';
import type { Authenticate } from './auth.js';
import { DEFAULT_LIMITS, type RelayLimits } from './limits.js';

/** Says nothing. */
export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** What a relay can be told. */
export interface RelayOptions {
  /** `host:port` of the HTTP and WebSocket listener; port 0 lets the system choose; an IPv6 host stands in brackets. */
  readonly listen: string;
  /** PEM files: HTTPS and `wss:` instead of plain. Read again when they change, without dropping a connection. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Keep ACL files here, under `datasites/`. Without it they live in memory only. */
  readonly dataDir?: string;
  /** With a secret, clients show an HS256 access token and are who it says; without, they are who they claim. */
  readonly authSecret?: string;
  /** File with such secrets, one a line, newest first. Read again when it changes. */
  readonly secretFile?: string;
  /** The only issuer (`iss`) whose access tokens are taken; any by default. */
  readonly issuer?: string;
  /** By how much the clock of who issues access tokens may differ, seconds. Default 30. */
  readonly clockSkewSeconds?: number;
  /** File with the hashes of static tokens (`hotlink token`). Read again when it changes. */
  readonly tokenFile?: string;
  /** Says who a client is, in place of everything above. */
  readonly authenticate?: Authenticate;
  /**
   * ICE URLs advertised to every client. Default: this relay's own STUN responder, if there is one.
   * @remarks Without any, clients have host candidates only. Upstream advertises a `turns:` URL without credentials by default; the Rust client's
   * WebRTC refuses a list with such an entry as a whole, so that default turns every peer-to-peer connection off (wire §5.5).
   */
  readonly iceServers?: readonly string[];
  /** User name for the TURN entries among them, handed to every client. */
  readonly turnUser?: string;
  /** Password for them. */
  readonly turnPass?: string;
  /** Shared with a TURN server that checks time-limited credentials (coturn's `use-auth-secret`): every client is given its own. */
  readonly turnSecret?: string;
  /** For how long those are good, seconds, 10…604800. Default a day. */
  readonly turnTtlSeconds?: number;
  /** `host:port` of a STUN responder on UDP; none by default. */
  readonly stunListen?: string;
  /** Whatever is to differ from the defaults. */
  readonly limits?: Partial<RelayLimits>;
  /** Addresses and networks of proxies whose `X-Forwarded-For` counts; nobody's by default. */
  readonly trustProxy?: readonly string[];
  /** Origins whose pages may connect besides those of this very host, as `https://app.example.com`. */
  readonly allowedOrigins?: readonly string[];
  /** Makes this process one of many that serve the same users, over NATS: docs/relay-cluster.md. */
  readonly cluster?: {
    /** `nats://[user:password@|token@]host:port`, `tls://…` for TLS; several with commas between. */
    readonly servers: string;
    /** Processes of one name are one cluster. Default `relay`. */
    readonly name?: string;
    /** A process not heard for this long is lost, ms, 1000…600000. Default 10 s. It gives way itself after six tenths of it without NATS. */
    readonly silenceMs?: number;
  };
  /** Receives what the relay has to say, as a pino logger does; never given a payload, a token or a password. */
  readonly log?: Record<'debug' | 'info' | 'warn' | 'error', (fields: object, message: string) => void>;
}

/** What every relay can be told, wherever it listens. */
export type RelaySettings = Omit<RelayOptions, 'listen' | 'tls'>;

const SETTINGS: NamesOf<RelaySettings> = {
  dataDir: 1,
  authSecret: 1,
  secretFile: 1,
  issuer: 1,
  clockSkewSeconds: 1,
  tokenFile: 1,
  authenticate: 1,
  iceServers: 1,
  turnUser: 1,
  turnPass: 1,
  turnSecret: 1,
  turnTtlSeconds: 1,
  stunListen: 1,
  limits: 1,
  trustProxy: 1,
  allowedOrigins: 1,
  cluster: 1,
  log: 1,
};
const TLS: NamesOf<NonNullable<RelayOptions['tls']>> = { certFile: 1, keyFile: 1 };
const CLUSTER: NamesOf<NonNullable<RelayOptions['cluster']>> = { servers: 1, name: 1, silenceMs: 1 };

/**
 * Refuses options that there are not, those inside of others included.
 * @param what takes them, as the message calls it
 * @param place names of the options that every relay does not have: where it is
 * @throws HotlinkError ERR_HLNK_CONFIG
 */
export function checkNames<Options extends RelaySettings & Pick<RelayOptions, 'tls'>>(
  what: string,
  options: Options,
  place: NamesOf<Omit<Options, keyof RelaySettings>>,
): void {
  refuseUnknown(what, options, { ...SETTINGS, ...place }, 'ERR_HLNK_CONFIG');
  const { tls = {}, cluster = {}, limits = {} } = options;
  refuseUnknown('tls', tls, TLS, 'ERR_HLNK_CONFIG', 'tls.');
  refuseUnknown('cluster', cluster, CLUSTER, 'ERR_HLNK_CONFIG', 'cluster.');
  refuseUnknown('limits', limits, DEFAULT_LIMITS, 'ERR_HLNK_CONFIG', 'limits.');
}

/**
 * What is advertised goes into response headers as it is.
 * @throws HotlinkError ERR_HLNK_CONFIG for a value that no header can carry
 */
export function checkHeaderValues(options: RelaySettings): void {
  const { iceServers = [], turnUser = '', turnPass = '', turnSecret, turnTtlSeconds } = options;
  if (turnSecret !== undefined && (turnSecret === '' || turnUser !== '' || turnPass !== ''))
    throw new HotlinkError('ERR_HLNK_CONFIG', 'give either a TURN secret, which is not empty, or a TURN user and password, not both');
  if (turnTtlSeconds !== undefined && !(Number.isSafeInteger(turnTtlSeconds) && turnTtlSeconds >= 10 && turnTtlSeconds <= 604_800))
    throw new HotlinkError('ERR_HLNK_CONFIG', `TURN credentials are good for 10 to 604800 seconds, not ${turnTtlSeconds}`);
  for (const url of iceServers) {
    if (!/^[\x21-\x2b\x2d-\x7e]+$/.test(url))
      throw new HotlinkError('ERR_HLNK_CONFIG', `the ICE server ${JSON.stringify(url)} must be one URL without blanks or commas`);
  }
  if (!/^[\x20-\x7e]*$/.test(turnUser + turnPass))
    throw new HotlinkError('ERR_HLNK_CONFIG', 'TURN user and password must be printable ASCII');
}

/**
 * Read `host:port`, port 0 included.
 * @throws HotlinkError ERR_HLNK_CONFIG
 */
export function parseListen(text: string, what: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new HotlinkError(
      'ERR_HLNK_CONFIG',
      `${what} is "${text}"; write it as host:port, for example 127.0.0.1:8080, port 0 for any free one`,
    );
  }
  return { host: (match[1] ?? match[2]) as string, port };
}
