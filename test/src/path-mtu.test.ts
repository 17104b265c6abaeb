// How large the packets of a session's further connections may be.
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PathMtu, smallestMtu } from '../../src/control/path-mtu.js';

it.each([
  ['nothing is known of', undefined, [1280]],
  ['an IPv6 tunnel', 1280, [1280]],
  ['something smaller than IPv6 allows', 576, [1280]],
  ['PPPoE', 1492, [1492, 1280]],
  ['Ethernet', 1500, [1500, 1280]],
  ['jumbo frames, as far as the stack can take them', 9000, [4096, 1500, 1280]],
])('behind %s each refusal is a step down', (_what, interfaceBytes, steps) => {
  const mtu = new PathMtu(interfaceBytes);
  for (const bytes of steps) {
    expect(mtu.bytes).toBe(bytes);
    expect(mtu.doubtful).toBe(bytes > 1280);
    mtu.refused(bytes);
  }
  expect(mtu.bytes).toBe(1280);
});

it('several connections refused at once are one step', () => {
  const mtu = new PathMtu(9000);
  for (let n = 0; n < 3; n += 1) mtu.refused(4096);
  expect(mtu.bytes).toBe(1500);
});

it.skipIf(!existsSync('/sys/class/net/lo/mtu'))('the smallest of the interfaces that are there (Linux)', () => {
  const lo = Number(readFileSync('/sys/class/net/lo/mtu', 'latin1'));
  expect(smallestMtu(['lo', 'no-such-interface'])).toBe(lo);
  expect(smallestMtu(['no-such-interface'])).toBeUndefined();
});
