// An abort signal whose listeners can be counted: what a call leaves behind on a signal that outlives it.

export interface CountedSignal {
  readonly signal: AbortSignal;
  /** Listeners on it now. */
  readonly listeners: number;
  abort(): void;
}

export function countedSignal(): CountedSignal {
  const abort = new AbortController();
  const { signal } = abort;
  const kept = new Set<unknown>();
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (type: string, listener: (event: Event) => void, options?: { once?: boolean }) => {
    kept.add(listener);
    add(type, listener, options);
  };
  signal.removeEventListener = (type: string, listener: (event: Event) => void) => {
    kept.delete(listener);
    remove(type, listener);
  };
  return {
    signal,
    get listeners() {
      return kept.size;
    },
    abort: () => {
      abort.abort();
      kept.clear();
    },
  };
}
