// A relay inside a host program's HTTP server: the same relay, on paths of its own beside the host's routes and WebSockets (wire §1.1).
import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { HotlinkError } from '../../native-free/index.js';
import { checkNames, type RelayOptions } from './options.js';
import type { EmbeddedRelay } from './running.js';
import { openRelay } from './server.js';

/** What a relay inside a host program's server can be told. */
export interface AttachOptions extends Omit<RelayOptions, 'listen' | 'tls'> {
  /**
   * Everything below this path is the relay's: with `/hotlink` clients are given `https://host/hotlink`. Without it, upstream's API below `/api/v1`.
   * @remarks Of that: `/api/v1/events`, and what is below `/api/v1/acl` and `/api/v1/hotlink`; `/` and `/healthz` are the host's.
   */
  readonly path?: string;
}

/** What the relay takes where it has no path of its own. */
const API = /^\/api\/v1\/(?:events|acl|hotlink)(?:[/?]|$)/;

/**
 * Runs a relay in the program's own HTTP or HTTPS server, listening or not. Requests and upgrades outside its paths stay the program's. Close the
 * relay before the server.
 * @remarks All others go to the program's own listeners, whether they were added before or after. Several relays may share a server, on different paths.
 * An upgrade that is neither the relay's nor has a listener of the program is answered 404. `server.close()` waits for every WebSocket.
 * @throws HotlinkError `ERR_HLNK_CONFIG`, `ERR_HLNK_PORT_BUSY` (STUN)
 */
export async function attachRelay(server: HttpServer | HttpsServer, options: AttachOptions = {}): Promise<EmbeddedRelay> {
  checkNames('attachRelay', options, { path: 1 });
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
