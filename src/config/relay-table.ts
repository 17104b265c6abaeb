// Every setting of `hotlink relay`: where it listens, whom it believes, what it tells its clients, and its limits, which stand in a table of their
// own (src/relay/limits.ts). What upstream's server reads as well keeps upstream's names.
import { z } from 'zod';
import { LIMITS, type RelayLimits } from '../relay/limits.js';
import type { RelayOptions } from '../relay/options.js';
import { parseRowsFile } from './file.js';
import { isListenAddress, parseInteger, parseListen, parseLoose, parseText } from './parse.js';
import { type ResolvedRows, resolveRows, type Sources } from './resolve.js';
import type { Row } from './setting.js';
import { settings } from './table.js';
import type { Values } from './values.js';

/** Names the relay's configuration file: a daemon's has other keys. */
export const RELAY_CONFIG_ENV = 'HOTLINK_RELAY_CONFIG';

/** Rows that the relay shares with the daemon. */
const SHARED = ['iceServers', 'turnUser', 'turnPass', 'turnHost', 'turnPort', 'debug', 'logLevel'] as const;

export interface RelayValues extends RelayLimits, Pick<Values, (typeof SHARED)[number]> {
  listen: string;
  dataDir?: string;
  stunListen?: string;
  tlsCert?: string;
  tlsKey?: string;
  authSecret?: string;
  secretFile?: string;
  issuer?: string;
  clockSkewSeconds: number;
  tokenFile?: string;
  iKnow: boolean;
  trustProxy: string[];
  allowedOrigins: string[];
  turnSecret?: string;
  turnTtlSeconds: number;
  admin: string;
  cluster?: string;
  clusterName: string;
  clusterSilenceMs: number;
}

const text = z.string().min(1);
const listen = z.string().refine(isListenAddress, 'not host:port');

function textRow(key: string, flag: string | undefined, unit: string, meaning: string, more: Partial<Row> = {}): Row {
  const env = [{ name: `HOTLINK_RELAY_${snake(key)}` }];
  return {
    key,
    env,
    ...(flag === undefined ? {} : { flag: `--${flag} <${unit}>` }),
    unit,
    meaning,
    parse: parseText,
    schema: text,
    ...more,
  };
}

function listRow(key: string, flag: string, unit: string, meaning: string): Row {
  const parse = (given: string): { value: string[] } => ({
    value: given
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  });
  return {
    ...textRow(key, undefined, 'comma list', meaning),
    flag: `--${flag} <${unit}>`,
    default: [],
    defaultWords: 'none',
    parse,
    schema: z.array(text),
  };
}

function integerRow(
  key: string,
  range: { min: number; max: number; default: number },
  unit: string,
  meaning: string,
  memory?: string,
): Row {
  const { min, max } = range;
  return {
    key,
    env: [{ name: `HOTLINK_RELAY_${snake(bare(key))}` }],
    flag: `--${snake(bare(key)).toLowerCase().replaceAll('_', '-')} <${unit.split(' ')[0]}>`,
    unit,
    default: range.default,
    range: `${min}…${max}`,
    ...(memory === undefined ? {} : { memory }),
    meaning,
    parse: (given) => parseInteger(given, { min, max, unit }),
    schema: z.int().min(min).max(max),
  };
}

/** A name without its unit; `messagesPerSecond` would be another thing without it. */
function bare(key: string): string {
  return key.replace(/(?:Bytes|Ms|Seconds)$/, '');
}

function snake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

const own: readonly Row[] = [
  textRow(
    'listen',
    'listen',
    'host:port',
    'Where to listen; port 0 takes any. Without authentication only a loopback address, see `iKnow`.',
    {
      default: '127.0.0.1:8080',
      parse: parseListen,
      schema: listen,
    },
  ),
  textRow('dataDir', 'data', 'dir', 'Keep ACLs here across restarts, and the admin endpoint.', { env: [{ name: 'HOTLINK_RELAY_DATA' }] }),
  textRow('stunListen', 'stun', 'host:port', 'Also answer STUN there, on UDP, and advertise it.', {
    env: [{ name: 'HOTLINK_RELAY_STUN' }],
    parse: parseListen,
    schema: listen,
  }),
  textRow(
    'tlsCert',
    'tls-cert',
    'file',
    'Certificate chain (PEM): HTTPS and `wss:` instead of plain. Read again when it changes, nobody is disconnected.',
  ),
  textRow('tlsKey', 'tls-key', 'file', 'Its private key (PEM).'),
  textRow('authSecret', undefined, 'text', 'Secret of HS256 access tokens, which clients must show then.', { secret: true }),
  textRow(
    'secretFile',
    'secret-file',
    'file',
    'Secrets of access tokens, one a line, newest first: any may have signed a token. Read again when it changes.',
  ),
  textRow('issuer', 'issuer', 'text', 'The only issuer (`iss`) whose access tokens are taken.', { defaultWords: 'any' }),
  integerRow(
    'clockSkewSeconds',
    { min: 0, max: 300, default: 30 },
    'seconds',
    'By how much the clock of who issues access tokens may differ.',
  ),
  textRow('tokenFile', 'tokens', 'file', 'Hashes of static tokens, which `hotlink token` makes. Read again when it changes.', {
    env: [{ name: 'HOTLINK_RELAY_TOKENS' }],
  }),
  {
    ...textRow(
      'iKnow',
      undefined,
      'switch',
      'Listen on other than loopback addresses without authentication: everybody is who they claim to be.',
    ),
    flag: '--i-know',
    default: false,
    parse: parseLoose,
    schema: z.boolean(),
  },
  listRow(
    'trustProxy',
    'trust-proxy',
    'addresses',
    'Addresses and networks (`10.0.0.0/8`) of proxies whose `X-Forwarded-For` says where clients come from.',
  ),
  listRow(
    'allowedOrigins',
    'origins',
    'origins',
    'Origins whose pages may connect besides those of this very host, as `https://app.example.com`.',
  ),
  textRow(
    'turnSecret',
    undefined,
    'text',
    'Shared with a TURN server (coturn’s `use-auth-secret`): every client is given credentials of its own.',
    {
      secret: true,
    },
  ),
  integerRow('turnTtlSeconds', { min: 10, max: 604_800, default: 86_400 }, 'seconds', 'For how long a client’s TURN credentials are good.'),
  textRow(
    'admin',
    'admin',
    'where',
    'Admin endpoint: status, metrics, profiles. auto: a unix socket in `.syftbox` of the data directory, loopback TCP on Windows. An address must be a loopback one; its token stands in `.syftbox/hotlink_admin.json`. Needs a data directory.',
    { default: 'auto', range: 'auto, off, host:port' },
  ),
  textRow(
    'cluster',
    'cluster',
    'urls',
    'NATS servers that make this process one of many which serve the same users, `nats://host:4222` or `tls://…`, several with commas between. One with a password belongs into the environment or a file.',
    { secret: true },
  ),
  textRow('clusterName', 'cluster-name', 'name', 'Processes of one name are one cluster.', { default: 'relay' }),
  integerRow(
    'clusterSilenceMs',
    { min: 1000, max: 600_000, default: 10_000 },
    'ms',
    'A process of the cluster that is not heard for so long is lost; without NATS it disconnects its clients after six tenths of it.',
  ),
];

export const relaySettings: readonly Row[] = [
  ...own,
  ...LIMITS.map((row) => integerRow(row.key, row, row.unit, row.meaning, row.memory)),
  ...settings.filter(({ key }) => (SHARED as readonly string[]).includes(key)),
];

/** @throws HotlinkError ERR_HLNK_USAGE for a flag that cannot be read, ERR_HLNK_CONFIG for a bad file */
export function resolveRelaySettings(sources: Sources): ResolvedRows & { values: RelayValues } {
  const file = sources.file ? parseRowsFile(sources.file.text, sources.file.path, relaySettings) : {};
  const resolved = resolveRows(relaySettings, sources, file);
  return { ...resolved, values: resolved.values as unknown as RelayValues & Record<string, unknown> };
}

/** What the relay itself is told; ICE servers and the log are the caller's business. */
export function relayOptionsOf(values: RelayValues): RelayOptions {
  const { dataDir, stunListen, tlsCert, tlsKey, authSecret, secretFile, issuer, tokenFile, turnSecret, turnTtlSeconds } = values;
  const given = { dataDir, stunListen, authSecret, secretFile, issuer, tokenFile, turnSecret };
  return {
    listen: values.listen,
    clockSkewSeconds: values.clockSkewSeconds,
    trustProxy: values.trustProxy,
    allowedOrigins: values.allowedOrigins,
    turnTtlSeconds,
    limits: Object.fromEntries(LIMITS.map(({ key }) => [key, values[key]])),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(values.cluster === undefined
      ? {}
      : { cluster: { servers: values.cluster, name: values.clusterName, silenceMs: values.clusterSilenceMs } }),
    ...(tlsCert === undefined || tlsKey === undefined ? {} : { tls: { certFile: tlsCert, keyFile: tlsKey } }),
  };
}
