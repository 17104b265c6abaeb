// What a fuzzer needs to know of one decoder: how to begin, and what must hold whatever the bytes are. A property that does not hold throws.

export interface FuzzDecoder {
  /** As the command line names it. */
  name: string;
  /** What a stranger would have to send. */
  what: string;
  /** Longest input, bytes. */
  maxBytes: number;
  /** An input that takes longer three times over is a finding, ms. Default 100: a thousand times what an honest message takes. */
  inputMs?: number;
  /** An input that allocates more than this is a finding, bytes. Default 16 MiB. */
  inputAllocBytes?: number;
  /** Honest inputs to begin with. */
  seeds(): Uint8Array[];
  /** Words of the format, for the mutator. */
  words?: readonly string[];
  /** Before the first input. */
  start?(): Promise<void>;
  check(input: Uint8Array): void | Promise<void>;
  /** After the last one. */
  stop?(): Promise<void>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Text of arbitrary bytes; what is no UTF-8 becomes U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Splits an input into texts at line feeds: the first `count - 1` lines, and the rest. */
export function linesOf(input: Uint8Array, count: number): string[] {
  const all = textOf(input).split('\n');
  return [...all.slice(0, count - 1), all.slice(count - 1).join('\n')];
}

/** @throws Error naming the property that does not hold */
export function hold(condition: boolean, property: string): asserts condition {
  if (!condition) throw new Error(`does not hold: ${property}`);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
