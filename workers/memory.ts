// Copies into and out of shared memory at the speed of memcpy. V8 copies typed arrays on a SharedArrayBuffer with single relaxed loads and stores, byte by
// byte when both ends are not aligned alike: 3.7 GiB/s where `Buffer.fill` with a pattern as long as its target has 86 (npm run perf -- micro).
// Whoever copies owns both ends, as rings and windows see to it with their own atomics. Any thread.
import type { ByteMemory } from '../native-free/memory.js';

const { fill } = Buffer.prototype;
/** Below this `set` is the quicker one. */
const FEW_BYTES = 128;

/** `target.set(source, at)`, for memory that one of them shares with other threads. They must not overlap. */
export function copyInto(target: Uint8Array, source: Uint8Array, at: number): void {
  if (source.length < FEW_BYTES) target.set(source, at);
  // `fill` stops at the target's end without a word where `set` throws.
  else if (at + source.length > target.length) throw new RangeError(`${source.length} bytes at ${at} of ${target.length}`);
  else fill.call(target, source, at, at + source.length);
}

/** `source.slice()` in memory of its own, not shared. */
export function copyOf(source: Uint8Array): Buffer<ArrayBuffer> {
  const copy = Buffer.allocUnsafeSlow(source.length);
  copyInto(copy, source, 0);
  return copy;
}

export const NODE_MEMORY: ByteMemory = { allocate: Buffer.allocUnsafeSlow, copy: copyInto };
