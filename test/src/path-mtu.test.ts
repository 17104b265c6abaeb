// How large the packets of a session's further connections may be.
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PathMtu, smallestMtu } from '../../src/control/path-mtu.js';

it.each([
  ['nothing is known here', undefined, 1500, 1280],
  ['the peer did not say', 1500, undefined, 1280],
  ['an IPv6 tunnel here', 1280, 1500, 1280],
  ['something smaller than IPv6 allows', 576, 1500, 1280],
  ['PPPoE at the other end', 1500, 1492, 1492],
  ['Ethernet at both ends', 1500, 1500, 1500],
  ['jumbo frames, which end at the first router', 9000, 9001, 1500],
])('%s', (_what, here, there, bytes) => {
  const mtu = new PathMtu(here, there);
  expect(mtu.bytes).toBe(bytes);
  expect(mtu.doubtful).toBe(bytes > 1280);
  mtu.refused();
  expect(mtu.bytes).toBe(1280);
  expect(mtu.doubtful).toBe(false);
});

it.skipIf(!existsSync('/sys/class/net/lo/mtu'))('the smallest of the interfaces that are there (Linux)', () => {
  const lo = Number(readFileSync('/sys/class/net/lo/mtu', 'latin1'));
  expect(smallestMtu(['lo', 'no-such-interface'])).toBe(lo);
  expect(smallestMtu(['no-such-interface'])).toBeUndefined();
});
