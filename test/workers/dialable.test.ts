// Which addresses of a peer's list are dialled: not those that would make us knock at our own doors for it.
import { expect, it } from 'vitest';
import { isDialable } from '../../workers/direct/dialable.js';

it.each(['192.168.1.7', '10.0.0.1', '172.16.9.9', '198.51.100.7', 'fd00::7', '2001:db8::1', '::ffff:10.0.0.1'])(
  '%s may be a peer on another machine, and is not dialled for one on this',
  (host) => {
    expect(isDialable(host, false)).toBe(true);
    expect(isDialable(host, true)).toBe(false);
  },
);

it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'])(
  '%s is this machine: dialled for a peer on it alone',
  (host) => {
    expect(isDialable(host, false)).toBe(false);
    expect(isDialable(host, true)).toBe(true);
  },
);

it.each([
  ['every address', '0.0.0.0'],
  ['every address', '::'],
  ['the metadata of a cloud', '169.254.169.254'],
  ['the same in other clothes', '::ffff:169.254.169.254'],
  ['a neighbour by link', 'fe80::1'],
  ['a group', '224.0.0.251'],
  ['a group', 'ff02::1'],
  ['a whole network', '255.255.255.255'],
  ['a number that a resolver would read in base eight', '010.0.0.1'],
  ['no address', '::::'],
  ['a name', 'abc.d'],
])('%s (%s) is never dialled', (_what, host) => {
  expect([true, false].map((sameHost) => isDialable(host, sameHost))).toEqual([false, false]);
});
