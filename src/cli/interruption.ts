// SIGINT and SIGTERM: the first asks everything to drain, the second leaves at once. Exit codes 130 and 143, as a shell expects: the second
// by the signal itself, since `process.exit` would end threads with live data channels, which aborts the process (workers/README.md).

const codes = { SIGINT: 130, SIGTERM: 143 } as const;

export interface Interruption extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Exit code of the signal that came; undefined while none did. */
  readonly exitCode: number | undefined;
}

/** Installs the handlers; disposing removes them. */
export function onInterruption(): Interruption {
  const abort = new AbortController();
  let exitCode: number | undefined;
  const handlers = (['SIGINT', 'SIGTERM'] as const).map((name) => {
    const handler = (): void => {
      if (exitCode !== undefined) leave(name);
      exitCode = codes[name];
      abort.abort(new Error(name));
    };
    process.on(name, handler);
    return { name, handler };
  });
  return {
    signal: abort.signal,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]() {
      for (const { name, handler } of handlers) process.off(name, handler);
    },
  };
}

function leave(name: 'SIGINT' | 'SIGTERM'): never {
  process.removeAllListeners(name);
  process.kill(process.pid, name);
  // Still here: the first process of a container is not ended by its own signal.
  process.exit(codes[name]);
}

/** Resolves when the signal is aborted. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
