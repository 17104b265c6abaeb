// What no type checker has seen: options of a program in JavaScript, or read from somewhere. Names, kinds and words only; the ranges that the command
// insists on (src/config/table.ts) are advice to a program. Main thread.
import { HotlinkError, LANE_KINDS } from '../native-free/index.js';
import type { HotlinkOptions, WorkerEntries } from './options.js';
import { type NamesOf, refuseUnknown } from './unknown-options.js';

interface Kind {
  meant(value: unknown): boolean;
  /** What it has to be, behind "is not". */
  words: string;
  /** What was given is not shown in a message, which may end in a log: credentials are in it, or are put there by mistake. */
  quiet?: boolean;
}

const text: Kind = { meant: (value) => typeof value === 'string', words: 'a string' };
const secret: Kind = { ...text, quiet: true };
const flag: Kind = { meant: (value) => typeof value === 'boolean', words: 'true or false' };
const call: Kind = { meant: (value) => typeof value === 'function', words: 'a function', quiet: true };
const wholeFrom = (min: number): Kind => ({
  meant: (value) => Number.isInteger(value) && (value as number) >= min,
  words: `a whole number from ${min} on`,
});
const oneOf = (...words: readonly unknown[]): Kind => ({ meant: (value) => words.includes(value), words: `one of ${words.join(', ')}` });
const orAuto = ({ meant, words }: Kind): Kind => ({ meant: (value) => value === 'auto' || meant(value), words: `${words}, or "auto"` });
/** An object, or a function, that can be called by these names. */
const port = (...calls: readonly string[]): Kind => ({
  meant: (value) => isObject(value) && calls.every((name) => typeof value[name] === 'function'),
  words: `an object with ${calls.map((name) => `${name}()`).join(', ')}`,
  quiet: true,
});

const fromZero = wholeFrom(0);
const fromOne = wholeFrom(1);

const KINDS: { readonly [K in keyof Required<HotlinkOptions>]: Kind } = {
  email: { ...text, words: 'an e-mail address' },
  server: { ...text, words: 'the address of a relay' },
  dataDir: text,
  token: secret,
  signal: port('addEventListener'),
  lanes: { meant: (value) => Array.isArray(value) && value.length > 0, words: `a list of ${LANE_KINDS.join(', ')}` },
  p2pOnly: flag,
  strict: flag,
  direct: text,
  seal: oneOf('auto', 'require', 'off'),
  identity: oneOf('off', 'pin', 'require'),
  identityDir: text,
  ownPeers: flag,
  bindAddress: text,
  tcpProxy: flag,
  ipc: oneOf('unix', 'tcp'),
  ipcAddress: text,
  socketOnly: flag,
  stableMs: fromZero,
  iceServers: { meant: (value) => call.meant(value) || Array.isArray(value), words: 'a list of URLs or a function', quiet: true },
  iceFilter: flag,
  turnUser: secret,
  turnPass: secret,
  threads: fromOne,
  chunkBytes: fromOne,
  ownChunkBytes: fromOne,
  windowBytes: fromOne,
  bufferedHighBytes: fromZero,
  backpressureWaitMs: fromZero,
  fallbackGraceMs: fromZero,
  keepAliveMs: fromOne,
  peerLossMs: fromOne,
  resumeMs: fromOne,
  mtu: orAuto(fromOne),
  stripes: orAuto(fromOne),
  sctpWindowBytes: orAuto(fromOne),
  sctpCongestion: oneOf('standard', 'hstcp'),
  quickAck: oneOf('auto', 'off'),
  batchScheduling: oneOf('auto', 'off'),
  datagrams: oneOf('auto', 'off'),
  signaling: port('connect', 'send', 'close'),
  log: port('debug', 'info', 'warn', 'error'),
  clock: port('nowMs', 'unixMs', 'after'),
  workers: { meant: isObject, words: 'an object', quiet: true },
  addressFilter: call,
};

const WORKERS: NamesOf<WorkerEntries> = { channel: 1, relay: 1 };
const NAMES = Object.keys(KINDS) as (keyof HotlinkOptions)[];

/** @throws HotlinkError `ERR_HLNK_CONFIG` naming the first option that there is not, or that cannot be meant */
export function checkOptions(options: HotlinkOptions): void {
  if (typeof options !== 'object' || options === null) throw refused('createHotlink takes an object with email and server, or signaling');
  refuseUnknown('createHotlink', options, KINDS, 'ERR_HLNK_CONFIG');
  if (options.email === undefined) throw refused('email: an e-mail address is missing');
  for (const name of NAMES) {
    const value: unknown = options[name];
    const { meant, words, quiet } = KINDS[name];
    if (value !== undefined && !meant(value)) throw refused(`${name}: ${quiet ? kindOf(value) : shown(value)} is not ${words}`);
  }
  if (options.workers !== undefined) refuseUnknown('workers', options.workers, WORKERS, 'ERR_HLNK_CONFIG', 'workers.');
  for (const lane of options.lanes ?? []) {
    if (!LANE_KINDS.includes(lane)) throw refused(`lanes: ${shown(lane)} is not one of ${LANE_KINDS.join(', ')}`);
  }
  if (!Array.isArray(options.iceServers)) return;
  for (const entry of options.iceServers)
    if (!text.meant(entry)) throw refused(`iceServers: ${kindOf(entry)} in the list is not a URL, a string`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'function' || (typeof value === 'object' && value !== null);
}

function refused(message: string): HotlinkError {
  return new HotlinkError('ERR_HLNK_CONFIG', message);
}

/** As it was given where that is short, else what it is. */
function shown(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return (typeof value === 'string' && value.length <= 40) || (Array.isArray(value) && value.length === 0)
    ? JSON.stringify(value)
    : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
