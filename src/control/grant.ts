// Lets the peer of an ad-hoc channel in: each side grants the other access to its own copy of the channel's directory at the relay, so that nothing
// has to be prepared. Main thread.

import { HotlinkError } from '../../native-free/index.js';
import { abortError, onAbort } from '../abort.js';
import type { ForwardPlan } from '../forward.js';
import type { ResolvedOptions } from '../resolved-options.js';
import { whyUnanswered } from './unanswered.js';

const ANSWER_MS = 30_000;

/**
 * Uploads the ACL that lets the peer open and read our copy of the channel's directory.
 * @throws HotlinkError `ERR_HLNK_RELAY_UNAVAILABLE`, `ERR_HLNK_DENIED`, `ERR_HLNK_CLOSED` when the signal aborts first
 */
export async function grant({ server, email, token }: ResolvedOptions, plan: ForwardPlan, signal?: AbortSignal): Promise<void> {
  const url = new URL(server);
  url.protocol = url.protocol.replace(/^ws/, 'http');
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/acl`;
  url.searchParams.set('user', email);
  url.searchParams.set('key', `${plan.directory}/syft.pub.yaml`);
  const both = [email, plan.marker.peer];
  // JSON is YAML: no quoting rules to get wrong.
  const acl = JSON.stringify({ terminal: false, rules: [{ pattern: '**', access: { admin: [email], write: both, read: both } }] });
  const form = new FormData();
  form.set('file', new Blob([acl]), 'syft.pub.yaml');
  // In one piece: a relay that refuses the request by its head may be gone before the rest of it is written, and its answer with it.
  const whole = new Response(form);
  const body = await whole.arrayBuffer();
  // A signal of this request's own: `fetch` watches the one it is given until the garbage collector comes by.
  const request = new AbortController();
  const unwatch = onAbort(signal, () => request.abort());
  const late = setTimeout(() => request.abort(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  try {
    const answer = await fetch(url, {
      method: 'PUT',
      body,
      headers: {
        'content-type': whole.headers.get('content-type') ?? '',
        // One question, and the socket is gone: a pool of the process would keep it past our end.
        connection: 'close',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      signal: request.signal,
    });
    if (!answer.ok) throw refusal(answer.status, await answer.text(), plan.directory, token);
    await answer.arrayBuffer();
  } catch (error) {
    if (error instanceof HotlinkError) throw error;
    if (signal?.aborted === true) throw abortError(signal);
    throw new HotlinkError('ERR_HLNK_RELAY_UNAVAILABLE', `the relay at ${server} cannot be reached: ${whyUnanswered(error)}`, {
      cause: error,
    });
  } finally {
    clearTimeout(late);
    unwatch();
  }
}

/** @param said the relay's words, in JSON as a rule */
function refusal(status: number, said: string, directory: string, token: string | undefined): HotlinkError {
  const later = status === 429 || status >= 500;
  const asked = status === 401 || status === 403;
  const wanted =
    token === undefined ? 'does it want a token (HOTLINK_TOKEN)?' : 'is the token (HOTLINK_TOKEN) that of this e-mail, and good still?';
  return new HotlinkError(
    later ? 'ERR_HLNK_RELAY_UNAVAILABLE' : 'ERR_HLNK_DENIED',
    `the relay refused the permissions for ${directory}: HTTP ${status}, ${sentenceIn(said)}${asked ? `; ${wanted}` : ''}`,
  );
}

function sentenceIn(said: string): string {
  try {
    const { error } = JSON.parse(said) as { error?: unknown };
    if (typeof error === 'string') return error;
  } catch {
    // somebody else's server
  }
  return said.slice(0, 200);
}
