// Abort signals of the caller's, watched for as long as something runs and no longer: a signal that lives as long as the program must not
// keep everything that was ever started with it. Main thread.

import { HotlinkError } from '../native-free/index.js';

/**
 * Calls `aborted` when the signal aborts, at once if it has already.
 * @returns stops watching
 */
export function onAbort(signal: AbortSignal | undefined, aborted: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    aborted();
    return () => {};
  }
  signal.addEventListener('abort', aborted, { once: true });
  return () => signal.removeEventListener('abort', aborted);
}

/** What a call that was given up rejects with. */
export function abortError(signal: AbortSignal | undefined): HotlinkError {
  return new HotlinkError('ERR_HLNK_CLOSED', 'given up by its signal', { cause: signal?.reason });
}
