// Text of one environment variable or flag → value. Upstream's rule: what cannot be parsed becomes the default, what is out of range is clamped (wire.md §7).
// Nothing here throws; the note says what was done so that the caller can warn (environment) or refuse (flag).
import { isIPv6 } from 'node:net';
import { LANE_KINDS, type LaneKind } from '../../native-free/index.js';
import { readDirect } from '../direct-address.js';

/** `value` undefined means: take the default. `note` is set when the text was not taken as written. */
export interface Parsed<T> {
  value?: T;
  note?: string;
}

export interface IntegerRange {
  min: number;
  max: number;
  unit: string;
}

/** Decimal digits only, as Rust's `parse::<usize>`; clamped to the range. */
export function parseInteger(text: string, range: IntegerRange): Parsed<number> {
  const trimmed = text.trim();
  if (!/^\+?\d+$/.test(trimmed)) return { note: `'${text}' is not a whole number of ${range.unit}` };
  const number = Number(trimmed);
  const value = Math.min(range.max, Math.max(range.min, number));
  return value === number ? { value } : { value, note: `${trimmed} is outside ${range.min}…${range.max} ${range.unit}` };
}

/** Upstream's plain switches: exactly `1` is on, everything else is off. Empty counts as unset. */
export function parseExactlyOne(text: string): Parsed<boolean> {
  return text === '' ? {} : { value: text === '1' };
}

/** `BENCH_STRICT` and our own switches: 1/true/yes/on in any case is on, everything else is off. */
export function parseLoose(text: string): Parsed<boolean> {
  return { value: /^(1|true|yes|on)$/i.test(text.trim()) };
}

/** One of the log's levels, in any case. */
export function parseLogLevel(text: string): Parsed<'debug' | 'info' | 'warn' | 'error'> {
  const level = (['debug', 'info', 'warn', 'error'] as const).find((name) => name === text.trim().toLowerCase());
  return level === undefined ? { note: `'${text}' is not debug, info, warn or error` } : { value: level };
}

/** Switches that are on unless they say `0`. */
export function parseNotZero(text: string): Parsed<boolean> {
  return { value: text.trim() !== '0' };
}

export function parseText(text: string): Parsed<string> {
  const trimmed = text.trim();
  return trimmed === '' ? {} : { value: trimmed };
}

/** One word of a few. */
export function parseChoice<T extends string>(...words: readonly T[]): (text: string) => Parsed<T> {
  return (text) => {
    const trimmed = text.trim().toLowerCase();
    const value = words.find((word) => word === trimmed);
    if (value !== undefined) return { value };
    return trimmed === '' ? {} : { note: `'${trimmed}' is none of ${words.join(', ')}` };
  };
}

/** Go cuts what follows the first colon (`127.0.0.1:0`), Rust takes the text as it is (`::1`): both are served. */
export function parseBindAddress(text: string): Parsed<string> {
  const trimmed = text.trim();
  if (isIPv6(trimmed)) return { value: trimmed };
  const bracketed = /^\[([^\]]+)\]/.exec(trimmed)?.[1];
  return parseText(bracketed ?? trimmed.split(':')[0]!);
}

/** Exactly `tcp`, as upstream; everything else is what the platform has. */
export function parseIpc(text: string): Parsed<'unix' | 'tcp'> {
  return text.trim() === '' ? {} : { value: text.trim() === 'tcp' ? 'tcp' : 'unix' };
}

/** `host:port` to listen on; port 0 is a choice. */
export function parseListen(text: string): Parsed<string> {
  const trimmed = text.trim();
  if (trimmed === '') return {};
  return isListenAddress(trimmed) ? { value: trimmed } : { note: `'${text}' is not host:port` };
}

export function isListenAddress(text: string): boolean {
  const port = /^(?:\[[0-9A-Fa-f:.]+\]|[^\s:[\]/]+):(\d{1,5})$/.exec(text)?.[1];
  return port !== undefined && Number(port) <= 65_535;
}

/** `576`…`4096` or `auto`. 4096 is the largest packet the stack reads; above about 4160 a connection hangs silently. */
export function parseMtu(text: string): Parsed<number | 'auto'> {
  if (text.trim().toLowerCase() === 'auto') return { value: 'auto' };
  return parseInteger(text, { min: 576, max: 4096, unit: 'bytes' });
}

export function parseDirectSetting(text: string): Parsed<string> {
  return readDirect(text) === undefined ? { note: `'${text}' is not auto, off or HOST:PORT` } : { value: text.trim() };
}

/** A buffer size or `auto`. */
export function parseSctpWindow(text: string): Parsed<number | 'auto'> {
  if (text.trim().toLowerCase() === 'auto') return { value: 'auto' };
  return parseInteger(text, { min: 65_536, max: 67_108_864, unit: 'bytes' });
}

/** `auto` or a number of peer connections. */
export function parseStripes(text: string): Parsed<number | 'auto'> {
  if (text.trim().toLowerCase() === 'auto') return { value: 'auto' };
  return parseInteger(text, { min: 1, max: 32, unit: 'connections' });
}

/** `standard` or `hstcp`. */
export function parseCongestion(text: string): Parsed<'standard' | 'hstcp'> {
  const word = text.trim().toLowerCase();
  if (word === '') return {};
  return word === 'standard' || word === 'hstcp' ? { value: word } : { note: `'${text}' is neither standard nor hstcp` };
}

/** `auto` or `off`. */
export function parseAutoOff(text: string): Parsed<'auto' | 'off'> {
  const word = text.trim().toLowerCase();
  if (word === '') return {};
  return word === 'auto' || word === 'off' ? { value: word } : { note: `'${text}' is neither auto nor off` };
}

/** A comma list of lane names. An unknown name spoils the whole list: half a ladder would be a surprise. */
export function parseLanes(text: string): Parsed<LaneKind[]> {
  const names = commaList(text);
  const unknown = names.find((name) => !LANE_KINDS.some((lane) => lane === name));
  if (unknown !== undefined) return { note: `'${unknown}' is not a lane (direct, webrtc, relay)` };
  if (names.length === 0) return { note: 'no lane is named (direct, webrtc, relay)' };
  return { value: LANE_KINDS.filter((lane) => names.includes(lane)) };
}

/** ICE URLs separated by commas. Empty text or `none` is a choice: host candidates only. Entries that are no ICE URL are left out. */
export function parseIceServers(text: string): Parsed<string[]> {
  if (/^(none)?$/i.test(text.trim())) return { value: [] };
  const entries = commaList(text);
  const good = entries.filter(isIceUrl);
  const bad = entries.filter((entry) => !isIceUrl(entry));
  if (bad.length === 0) return { value: good };
  const note = `'${bad.join("', '")}' is not a stun:, stuns:, turn: or turns: URL`;
  return good.length > 0 ? { value: good, note } : { note };
}

/** Both upstream formats: Go's `host:port` (or 0, off, disabled) and Rust's URL list. Unlike ICE_SERVERS, empty is unset. */
export function parseStunServer(text: string): Parsed<string[]> {
  const trimmed = text.trim();
  if (trimmed === '') return {};
  if (/^(0|off|disabled|none)$/i.test(trimmed)) return { value: [] };
  return parseIceServers(
    commaList(trimmed)
      .map((entry) => (isIceUrl(entry) || !isHostPort(entry) ? entry : `stun:${entry}`))
      .join(','),
  );
}

export function isIceUrl(text: string): boolean {
  return /^(stun|turn)s?:[^\s,]+$/i.test(text);
}

function isHostPort(text: string): boolean {
  return /^[^\s/:]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i.test(text);
}

function commaList(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
