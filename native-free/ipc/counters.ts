// What an IPC directory counts, as doubles in shared memory like a channel's counters: the worker writes, main reads. Any thread.

export const IPC_COUNTER_NAMES = [
  /** 1 while an application is connected. */
  'applications',
  /** What no peer has acknowledged yet. */
  'waitingFrames',
  'waitingBytes',
  'framesFromApplication',
  'framesToApplication',
  'framesRefused',
  'filesWritten',
  'filesReplayed',
  /** Frames that came a second time. */
  'duplicates',
] as const;

export type IpcCounterName = (typeof IPC_COUNTER_NAMES)[number];

/** Word index of every counter. */
export const IpcCounter = Object.fromEntries(IPC_COUNTER_NAMES.map((name, index) => [name, index])) as {
  readonly [K in IpcCounterName]: number;
};

/** @returns zeroed shared memory for one directory's counters */
export function createIpcCounters(): SharedArrayBuffer {
  return new SharedArrayBuffer(IPC_COUNTER_NAMES.length * 8);
}

/** @returns every counter by name */
export function readIpcCounters(memory: SharedArrayBuffer): Record<IpcCounterName, number> {
  const words = new Float64Array(memory);
  return Object.fromEntries(IPC_COUNTER_NAMES.map((name, index) => [name, words[index] as number])) as Record<IpcCounterName, number>;
}
