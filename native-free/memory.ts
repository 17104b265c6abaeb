// How bytes get from one place to another: a port, because the platform may know a quicker way into and out of shared memory than a typed array's own.
export interface ByteMemory {
  /** Memory that need not be zeroed: every byte of it is written. */
  allocate(bytes: number): Uint8Array<ArrayBuffer>;
  /** `target.set(source, at)`. They do not overlap. */
  copy(target: Uint8Array, source: Uint8Array, at: number): void;
}

export const PLAIN_MEMORY: ByteMemory = {
  allocate: (bytes) => new Uint8Array(bytes),
  copy: (target, source, at) => target.set(source, at),
};
