// Command line of the two burst applications. They are programs of their own: `node app-sender.js --connect 127.0.0.1:13001 --link a`.
import { parseArgs } from 'node:util';
import type { StreamShape } from './frame-source.js';

/** Upstream's burst (BioVault): 750 frames of 1,677,722 bytes, 1200 MiB per link, 180 s. */
export const DEFAULT_FRAME_COUNT = 750;
export const DEFAULT_FRAME_BYTES = 1_677_722;
export const DEFAULT_TIMEOUT_MS = 180_000;

export interface AppArguments extends StreamShape {
  host: string;
  port: number;
  listen: boolean;
  sha256: boolean;
  timeoutMs: number;
}

/** @throws TypeError for an argument it does not know, RangeError for one it cannot use */
export function parseAppArguments(args: string[]): AppArguments {
  const { values } = parseArgs({
    args,
    options: {
      connect: { type: 'string' },
      listen: { type: 'string' },
      link: { type: 'string', default: 'link' },
      count: { type: 'string', default: String(DEFAULT_FRAME_COUNT) },
      size: { type: 'string', default: String(DEFAULT_FRAME_BYTES) },
      sha256: { type: 'boolean', default: false },
      'timeout-ms': { type: 'string', default: String(DEFAULT_TIMEOUT_MS) },
    },
  });
  return {
    ...parseAddress(values.connect, values.listen),
    link: values.link,
    frameCount: wholeNumber('--count', values.count),
    frameBytes: wholeNumber('--size', values.size),
    sha256: values.sha256,
    timeoutMs: wholeNumber('--timeout-ms', values['timeout-ms']),
  };
}

/** @throws RangeError when neither can be read */
export function parseAddress(connect: string | undefined, listen: string | undefined): { host: string; port: number; listen: boolean } {
  const match = /^\[?([^\]]+)\]?:(\d+)$/.exec(connect ?? listen ?? '');
  if (!match) throw new RangeError('--connect HOST:PORT (or --listen HOST:PORT) is needed');
  return { host: match[1]!, port: Number(match[2]), listen: listen !== undefined };
}

/** @throws RangeError for anything else */
export function wholeNumber(name: string, text: string, min = 1): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < min || value > 0xffff_ffff) throw new RangeError(`${name} wants a whole number from ${min}`);
  return value;
}
