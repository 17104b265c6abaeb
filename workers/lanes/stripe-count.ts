// How many peer connections a WebRTC lane between own peers may have. Pure; any thread.

/** When nothing is said. With 0.1 % of packets lost each carries about 0.9 MiB/s over 50 ms, however fast the link is. */
const MOST = 32;

/** @param stripes of the settings @returns the most that this side takes for one lane; 1: the lane is not striped at all */
export function mostConnections(stripes: number | 'auto', sameHost: boolean): number {
  if (stripes !== 'auto') return stripes;
  return sameHost ? 1 : MOST;
}
