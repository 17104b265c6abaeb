// What no type checker has seen: options of a program in JavaScript, or read from somewhere. Kinds and words only; the ranges that the command
// insists on (src/config/table.ts) are advice to a program. Main thread.
import { HotlinkError, LANE_KINDS } from '../native-free/index.js';
import type { HotlinkOptions } from './options.js';

/** Numbers that may be 0; the others may not. */
const FROM_ZERO = ['bufferedHighBytes', 'backpressureWaitMs', 'fallbackGraceMs', 'stableMs'] as const;
const FROM_ONE = ['chunkBytes', 'ownChunkBytes', 'threads', 'windowBytes', 'keepAliveMs', 'peerLossMs', 'resumeMs'] as const;
const OR_AUTO = ['mtu', 'sctpWindowBytes', 'stripes'] as const;
const WORDS = {
  seal: ['auto', 'require', 'off'],
  identity: ['off', 'pin', 'require'],
  quickAck: ['auto', 'off'],
  batchScheduling: ['auto', 'off'],
  sctpCongestion: ['standard', 'hstcp'],
  ipc: ['unix', 'tcp'],
} as const;

/** @throws HotlinkError `ERR_HLNK_CONFIG` naming the first option that cannot be meant */
export function checkOptions(options: HotlinkOptions): void {
  if (typeof options !== 'object' || options === null) throw refused('createHotlink takes an object with email and server, or signaling');
  if (typeof options.email !== 'string') throw refused('email: an e-mail address is missing');
  if (options.server !== undefined && typeof options.server !== 'string')
    throw refused(`server: ${shown(options.server)} is not the address of a relay`);
  for (const key of FROM_ZERO) checkNumber(key, options[key], 0);
  for (const key of FROM_ONE) checkNumber(key, options[key], 1);
  for (const key of OR_AUTO) if (options[key] !== 'auto') checkNumber(key, options[key], 1, ', or "auto"');
  for (const key of Object.keys(WORDS) as (keyof typeof WORDS)[]) {
    const words: readonly string[] = WORDS[key];
    const value = options[key];
    if (value !== undefined && !words.includes(value)) throw refused(`${key}: ${shown(value)} is not one of ${words.join(', ')}`);
  }
  const { lanes } = options;
  if (lanes === undefined) return;
  if (!Array.isArray(lanes) || lanes.length === 0) throw refused(`lanes: ${shown(lanes)} is not a list of ${LANE_KINDS.join(', ')}`);
  for (const lane of lanes) if (!LANE_KINDS.includes(lane)) throw refused(`lanes: ${shown(lane)} is not one of ${LANE_KINDS.join(', ')}`);
}

function checkNumber(key: string, value: unknown, min: number, or = ''): void {
  if (value !== undefined && !(Number.isInteger(value) && (value as number) >= min))
    throw refused(`${key}: ${shown(value)} is not a whole number from ${min} on${or}`);
}

function refused(message: string): HotlinkError {
  return new HotlinkError('ERR_HLNK_CONFIG', message);
}

function shown(value: unknown): string {
  return typeof value === 'bigint' || typeof value === 'symbol' ? String(value) : (JSON.stringify(value) ?? typeof value);
}
