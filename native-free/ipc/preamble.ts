// What says which run numbered the frames that follow: a frame of our own with an empty path, which no application's frame has (wire.md 3.3).
// It opens every stream between two own peers, stands where the run changes, and opens every fallback file.
//
//   path ''   etag 'hl1-run'   seq = the run's first number that is still to be delivered   payload = run, 12 hex digits
//
// Fallback files: `hl1-<sender>-<run>-<number>.request`, sender = 8 hex digits, number = 8 digits and more, so that sorting names sorts
// frames. Content: the preamble, then the frame. Pure.

import { encodeFrame, FrameDecoder, type FrameView, HEADER_BYTES } from '../hlnk/index.js';

const ETAG = new TextEncoder().encode('hl1-run');
const NO_PATH = new Uint8Array(0);
const RUN = /^[0-9a-f]{12}$/;
const NAME = /^hl1-([0-9a-f]{8})-([0-9a-f]{12})-(\d{8,15})\.request$/;

export interface Preamble {
  run: string;
  base: number;
}

/** @param nowMs unix ms: runs sort by when they began */
export function runName(nowMs: number): string {
  return Math.floor(nowMs).toString(16).padStart(12, '0').slice(-12);
}

export function encodePreamble(run: string, base: number): Uint8Array {
  return encodeFrame(NO_PATH, ETAG, base, new TextEncoder().encode(run));
}

/** @returns undefined when the frame is none, or one that makes no sense */
export function readPreamble(view: FrameView): Preamble | undefined {
  if (view.pathBytes !== 0 || !view.etagIs(ETAG)) return undefined;
  const run = new TextDecoder().decode(view.payload().slice());
  return RUN.test(run) && view.seq > 0 ? { run, base: view.seq } : undefined;
}

export interface FallbackFile {
  name: string;
  sender: string;
  run: string;
  number: number;
}

export function fallbackName(sender: string, run: string, number: number): string {
  return `hl1-${sender}-${run}-${String(number).padStart(8, '0')}.request`;
}

export function parseFallbackName(name: string): FallbackFile | undefined {
  const match = NAME.exec(name);
  return match === null ? undefined : { name, sender: match[1] as string, run: match[2] as string, number: Number(match[3]) };
}

/** In the order in which their frames are to be delivered. */
export function byNumber(a: FallbackFile, b: FallbackFile): number {
  return a.run === b.run ? a.number - b.number : a.run < b.run ? -1 : 1;
}

/** @returns the preamble and the frame, or undefined for a file that is not (yet) whole or not ours */
export function readFallback(content: Uint8Array): { preamble: Preamble; frame: Uint8Array; path: string } | undefined {
  const decoder = new FrameDecoder();
  decoder.push(content);
  const head = decoder.next();
  const preamble = head === undefined ? undefined : readPreamble(head);
  const view = preamble === undefined ? undefined : decoder.next();
  if (preamble === undefined || view === undefined || view.endAt !== content.length || decoder.skippedBytes > 0) return undefined;
  return { preamble, frame: content.subarray(view.pathStart - HEADER_BYTES), path: view.path() };
}
