// Why a WebRTC attempt found no path, in words a person can act on: read from the kinds of candidates that either side came up with and from the
// servers that were to help. Pure.

export interface PathFacts {
  /** Kinds of the candidates this side gathered and of those the peer sent. */
  local: ReadonlySet<string>;
  remote: ReadonlySet<string>;
  /** URLs that were used, apart from those left out. */
  iceServers: readonly string[];
  /** Why servers were left out. */
  warnings: readonly string[];
}

/** The kind of a candidate line: `host`, `srflx`, `prflx` or `relay`. */
export function candidateKind(candidate: string): string {
  return / typ (\S+)/.exec(candidate)?.[1] ?? '';
}

/** @returns what seems to be wrong and what would help; one or two sentences without a full stop at the end */
export function explainNoPath({ local, remote, iceServers, warnings }: PathFacts): string {
  const turn = iceServers.filter((url) => url.startsWith('turn'));
  const stun = iceServers.filter((url) => url.startsWith('stun'));
  const left = warnings.length > 0 ? ` (${warnings.join('; ')})` : '';
  if (local.size === 0) return `this side found no network address to offer${left}`;
  if (remote.size === 0) return 'the peer sent no address to try: look at its log';
  if (iceServers.length === 0)
    return `no STUN or TURN server is in use, so only addresses that both sides reach can connect: configure one at the relay or here${left}`;
  if (turn.length > 0 && !local.has('relay') && !local.has('srflx'))
    return `${turn.join(', ')} gave no address: UDP to it is blocked, it is down, or it refuses user and password${left}`;
  if (turn.length > 0 && !local.has('relay'))
    return `${turn.join(', ')} gave no address: check user and password or the shared secret${left}`;
  if (stun.length > 0 && turn.length === 0 && !local.has('srflx'))
    return `no answer from ${stun.join(', ')}: UDP is blocked on this side, or the server is down${left}`;
  if (local.has('relay'))
    return `even through ${turn.join(', ')} nothing came from the peer: UDP is blocked on the peer's side, or the server reaches it not`;
  if (!remote.has('srflx') && !remote.has('relay'))
    return 'the peer offered only addresses of its own network: UDP is blocked on its side, or it uses no STUN server';
  return `both sides have found their public addresses and cannot reach each other: a NAT is symmetric or a firewall blocks UDP; a TURN server would help${left}`;
}
