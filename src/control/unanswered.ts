// Why nobody answered an HTTP request: `fetch` says "fetch failed", and its cause what happened. Any thread.

/** @param error what `fetch` rejected with */
export function whyUnanswered(error: unknown): string {
  const { message, cause } = error as Error;
  // One for each address of the host.
  const why = cause instanceof AggregateError ? cause.errors[0] : cause;
  return why instanceof Error && why.message !== '' ? why.message : message;
}
