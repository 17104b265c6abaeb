// What no type checker has seen: options of a program in JavaScript, or read from somewhere. Names, kinds and words only; the ranges that the command
// insists on (src/config/table.ts) are advice to a program. Main thread.
import { HotlinkError, LANE_KINDS } from '../native-free/index.js';
import { closest } from './closest.js';
import type { HotlinkOptions } from './options.js';

interface Kind {
  meant(value: unknown): boolean;
  /** What it has to be, behind "is not". */
  words: string;
}

const text: Kind = { meant: (value) => typeof value === 'string', words: 'a string' };
const flag: Kind = { meant: (value) => typeof value === 'boolean', words: 'true or false' };
const call: Kind = { meant: (value) => typeof value === 'function', words: 'a function' };
const object: Kind = { meant: (value) => typeof value === 'object' && value !== null, words: 'an object' };
const wholeFrom = (min: number): Kind => ({
  meant: (value) => Number.isInteger(value) && (value as number) >= min,
  words: `a whole number from ${min} on`,
});
const oneOf = (...words: readonly unknown[]): Kind => ({ meant: (value) => words.includes(value), words: `one of ${words.join(', ')}` });
const orAuto = ({ meant, words }: Kind): Kind => ({ meant: (value) => value === 'auto' || meant(value), words: `${words}, or "auto"` });

const fromZero = wholeFrom(0);
const fromOne = wholeFrom(1);

const KINDS: { readonly [K in keyof Required<HotlinkOptions>]: Kind } = {
  email: text,
  server: { ...text, words: 'the address of a relay' },
  dataDir: text,
  token: text,
  signal: object,
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
  iceServers: {
    meant: (value) => call.meant(value) || (Array.isArray(value) && value.every(text.meant)),
    words: 'a list of strings, each a URL, or a function',
  },
  iceFilter: flag,
  turnUser: text,
  turnPass: text,
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
  signaling: object,
  log: object,
  clock: object,
  workers: object,
  addressFilter: call,
};

/** Not shown in a message, which may end in a log: credentials are in them, or are put there by mistake. */
const SECRETS: readonly string[] = ['token', 'turnPass', 'iceServers'];

/** @throws HotlinkError `ERR_HLNK_CONFIG` naming the first option that cannot be meant, or that there is none of */
export function checkOptions(options: HotlinkOptions): void {
  if (typeof options !== 'object' || options === null) throw refused('createHotlink takes an object with email and server, or signaling');
  if (typeof options.email !== 'string') throw refused('email: an e-mail address is missing');
  const names = Object.keys(KINDS) as (keyof HotlinkOptions)[];
  // One that is left out without a word may be the very one that keeps bytes off the relay.
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(KINDS, name)) continue;
    const meant = closest(name, names);
    throw refused(`${name}: there is no such option${meant === undefined ? '' : `; is ${meant} meant?`}`);
  }
  for (const name of names) {
    const value: unknown = options[name];
    if (value === undefined || KINDS[name].meant(value)) continue;
    throw refused(`${name}: ${SECRETS.includes(name) ? kindOf(value) : shown(value)} is not ${KINDS[name].words}`);
  }
  for (const lane of options.lanes ?? []) {
    if (!LANE_KINDS.includes(lane)) throw refused(`lanes: ${shown(lane)} is not one of ${LANE_KINDS.join(', ')}`);
  }
}

function refused(message: string): HotlinkError {
  return new HotlinkError('ERR_HLNK_CONFIG', message);
}

function shown(value: unknown): string {
  const plain = value === null || ['string', 'number', 'boolean'].includes(typeof value) || (Array.isArray(value) && value.length === 0);
  return plain ? JSON.stringify(value) : kindOf(value);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
