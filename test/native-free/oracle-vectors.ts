// The golden byte vectors, typed. They were built from the documented layouts by another program. wire.md §1.7, §3.1.
import { readFileSync } from 'node:fs';

export interface EnvelopeVector {
  readonly name: string;
  readonly hex: string;
  readonly wire: { readonly id: string; readonly typ: number };
  /** the nested document; `pay` is hex */
  readonly dat: Readonly<Record<string, unknown>>;
}

export interface FrameVector {
  readonly name: string;
  readonly hex: string;
  readonly path: string;
  readonly etag: string;
  readonly seq: number;
  /** hex */
  readonly payload: string;
}

interface Vectors {
  readonly ws: readonly EnvelopeVector[];
  readonly hlnk: readonly FrameVector[];
  readonly hlq1: readonly { readonly hex: string; readonly sid: string }[];
}

/** The compiled test runs from dist/test/native-free; the data stays in the source tree. */
export const vectors = JSON.parse(readFileSync(new URL('../../../test/native-free/vectors.json', import.meta.url), 'utf8')) as Vectors;

/** A plain Uint8Array (not a Buffer, so that comparisons are about bytes only). */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
