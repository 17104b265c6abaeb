// A relay inside a host program's HTTP server: the same relay, on paths of its own beside the host's routes and WebSockets (wire §1.1).
import { HotlinkError } from '../../native-free/index.js';
import type { HostServer } from './claim.js';
import type { RelaySettings } from './options.js';
import type { EmbeddedRelay } from './running.js';
import { openRelay } from './server.js';

/** What a relay inside a host program's server can be told. */
export interface AttachOptions extends RelaySettings {
  /**
   * Everything below this path is the relay's, `/hotlink` for example; clients are given `https://host/hotlink` as their server. Without it the
   * relay takes the paths of upstream's API: `/api/v1/events`, and what is below `/api/v1/acl` and `/api/v1/hotlink`; `/` and `/healthz` are the host's.
   */
  readonly path?: string;
}

/** What the relay takes where it has no path of its own. */
const API = /^\/api\/v1\/(?:events|acl|hotlink)(?:[/?]|$)/;

/**
 * Runs a relay in an HTTP or HTTPS server that the program has already, listening or not. Requests and upgrades below the relay's paths are answered
 * by it, all others go to the program's own listeners, whether they were added before or after. Several relays may share a server, on different paths.
 * An upgrade that is neither the relay's nor has a listener of the program is answered 404.
 *
 * Close the relay before the server: `server.close()` waits for every WebSocket.
 * @throws HotlinkError `ERR_HLNK_CONFIG` for a path or an option that cannot be used, `ERR_HLNK_PORT_BUSY` when the STUN port is taken
 */
export async function attachRelay(server: HostServer, options: AttachOptions = {}): Promise<EmbeddedRelay> {
  const path = (options.path ?? '').replace(/\/+$/, '');
  if (!/^(?:\/[\w.~-]+)*$/.test(path))
    throw new HotlinkError(
      'ERR_HLNK_CONFIG',
      `the path "${options.path}" cannot be used; write it like /hotlink, of letters, digits and -._~`,
    );
  return openRelay(options, { server, ours: (url) => relayPath(url, path) });
}

/** @returns the rest of the URL below the relay's path; undefined when it is none of the relay's */
function relayPath(url: string, path: string): string | undefined {
  if (path === '') return API.test(url) ? url : undefined;
  if (!url.startsWith(path)) return undefined;
  const rest = url.slice(path.length);
  return rest.startsWith('/') ? rest : rest === '' || rest.startsWith('?') ? `/${rest}` : undefined;
}
