// The keys of a marker's channel as the Rust client makes them. wire.md 4.2.
import { keyOf, type MarkerFile } from './markers.js';

export function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

export function rustKeys(marker: MarkerFile, self: string): { canonical: string; local: string; inbound: string[] } {
  const { from, to } = marker;
  const [a, b] = marker.pids;
  const sorted = `${Math.min(a, b)}_to_${Math.max(a, b)}`;
  const canonical = keyOf(marker, from < to ? from : to, sorted);
  const local = `${marker.relPath}.request`;
  const peer = from === self ? to : from;
  const owners = [keyOf(marker, from, sorted), keyOf(marker, to, sorted)];
  return { canonical, local, inbound: [canonical, local, ...owners, keyOf(marker, peer, `${b}_to_${a}`)] };
}
