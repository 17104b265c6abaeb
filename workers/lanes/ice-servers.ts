// ICE server URLs as configuration and relays give them, turned into what the addon takes. Entries that cannot work are left out with a
// reason instead of failing the connection: a TURN server without credentials is what an unconfigured upstream server advertises
// (wire.md 5.5). This stack does TURN over UDP only. Pure.

import type { IceServer } from 'node-datachannel';

export interface ParsedIceServers {
  servers: IceServer[];
  /** Their URLs. */
  used: string[];
  /** One sentence per entry left out. */
  warnings: string[];
}

const URL_SHAPE =
  /^(stun|stuns|turn|turns):(?:\/\/)?(?:\[([0-9a-fA-F:]+)\]|([^\s\p{Cc}:?/[\]]+))(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/u;

/** @param urls `stun:host[:port]`, `turn:host[:port]?transport=udp` … @param user @param pass attached to TURN entries only */
export function parseIceServers(urls: readonly string[], user?: string, pass?: string): ParsedIceServers {
  const servers: IceServer[] = [];
  const used: string[] = [];
  const warnings: string[] = [];
  for (const url of urls.map((entry) => entry.trim()).filter((entry) => entry !== '' && entry !== 'none')) {
    const match = URL_SHAPE.exec(url);
    if (match === null) {
      warnings.push(`ICE server "${url}" is not a stun: or turn: URL; left out`);
      continue;
    }
    const [, scheme, v6, name, port, transport] = match;
    const hostname = (v6 ?? name) as string;
    const before = servers.length;
    if (scheme === 'stun') servers.push({ hostname, port: Number(port ?? 3478) });
    else if (scheme !== 'turn' || transport === 'tcp')
      warnings.push(`ICE server "${url}": only TURN over UDP and plain STUN are supported here; left out`);
    else if (user === undefined || user === '' || pass === undefined || pass === '')
      warnings.push(`TURN server "${url}" has no credentials; left out`);
    else servers.push({ hostname, port: Number(port ?? 3478), username: user, password: pass, relayType: 'TurnUdp' });
    if (servers.length > before) used.push(url);
  }
  return { servers, used, warnings };
}

/**
 * The same servers without TURN: those that have it serve as STUN servers, which they all are (RFC 8656, section 3). For the offerer of a
 * connection, see workers/README.md, "TURN on one side".
 */
export function withoutTurn(urls: readonly string[]): string[] {
  return urls.map((url) => url.trim().replace(/^turn:([^?]+)(\?transport=udp)?$/, 'stun:$1'));
}
