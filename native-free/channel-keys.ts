// The paths under which one TCP channel may be spoken of on the wire (wire §4.2, §4.3), and the choice among several markers of it.
// Invariant: every key is a full datasite path that ends in `/stream.tcp.request`.
import type { Marker } from './marker.js';
import { TCP_REQUEST_SUFFIX } from './path.js';

/** The keys of wire §4.2 under upstream's names. */
export interface ChannelKeys {
  /** Datasite of the lower pid's party: `from` if the directory's first pid is the lower one, else `to`. What Go opens. */
  readonly canonicalGo: string;
  /** Datasite of the lexically smaller e-mail. Rust's dedupe key, and ours: it does not depend on which side wrote the marker. */
  readonly canonicalRust: string;
  /** The marker's own path. What Rust opens. */
  readonly local: string;
  readonly ownerFrom: string;
  readonly ownerTo: string;
  /** The peer's datasite, pids reversed: the directional layout seen from here. */
  readonly peerInbound: string;
}

/** All keys of a marker's channel (wire §4.2). */
export function channelKeys(marker: Marker): ChannelKeys {
  const { from, to, peer, firstPid, secondPid } = marker;
  const [smallerEmail] = sortedEmails(marker);
  const sorted = firstPid <= secondPid ? `${firstPid}_to_${secondPid}` : `${secondPid}_to_${firstPid}`;
  return {
    canonicalGo: keyOf(marker, firstPid <= secondPid ? from : to, sorted),
    canonicalRust: keyOf(marker, smallerEmail, sorted),
    local: localKey(marker),
    ownerFrom: keyOf(marker, from, sorted),
    ownerTo: keyOf(marker, to, sorted),
    peerInbound: keyOf(marker, peer, `${secondPid}_to_${firstPid}`),
  };
}

/** Every path that a peer may use towards this marker's channel. Route by it, then check that `frm` is the peer. */
export function inboundKeys(marker: Marker): string[] {
  const { from, to, firstPid, secondPid } = marker;
  const keys = new Set([localKey(marker)]);
  for (const owner of [from, to]) {
    keys.add(keyOf(marker, owner, `${firstPid}_to_${secondPid}`));
    keys.add(keyOf(marker, owner, `${secondPid}_to_${firstPid}`));
  }
  return [...keys];
}

/** The path to open and to put into Data: the marker's own. */
export function outboundPath(marker: Marker): string {
  return localKey(marker);
}

/** The path to open towards a Go peer, which maps no other (wire §12 row 9). */
export function goOutboundPath(marker: Marker): string {
  return channelKeys(marker).canonicalGo;
}

/**
 * One marker per channel out of all that were found, the same ones whatever order the file system lists them in: a marker in
 * one's own datasite first (its path passes the write ACL by ownership), then the lexically smallest path (wire §12 row 21).
 * @param markers all of the same local identity
 * @returns the chosen ones, ordered by channel
 */
export function chooseMarkers(markers: readonly Marker[]): Marker[] {
  const chosen = new Map<string, Marker>();
  for (const marker of markers) {
    const key = `${channelKeys(marker).canonicalRust} ${sortedEmails(marker)[1]}`;
    const rival = chosen.get(key);
    if (rival === undefined || isPreferred(marker, rival)) chosen.set(key, marker);
  }
  return [...chosen.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, marker]) => marker);
}

function isPreferred(a: Marker, b: Marker): boolean {
  const aOwn = a.owner === a.self;
  const bOwn = b.owner === b.self;
  return aOwn === bOwn ? a.relPath < b.relPath : aOwn;
}

function sortedEmails({ from, to }: Marker): readonly [string, string] {
  return from < to ? [from, to] : [to, from];
}

function keyOf(marker: Marker, owner: string, directory: string): string {
  return [owner, ...marker.relPath.split('/').slice(1, -2), directory].join('/') + TCP_REQUEST_SUFFIX;
}

function localKey(marker: Marker): string {
  return `${marker.relPath}.request`;
}
