import { describe, expect, it } from 'vitest';
import { channelKeys, chooseMarkers, goOutboundPath, inboundKeys, outboundPath } from '../../native-free/channel-keys.js';
import { type Marker, parseMarker } from '../../native-free/marker.js';

const SUFFIX = '/stream.tcp.request';

/** Short names as in the specification: `alice/m/0_to_1` stands for `alice@x.io/m/n/_mpc/0_to_1/stream.tcp.request`. */
function long(short: string): string {
  const [owner, , directory] = short.split('/');
  return `${owner}@x.io/m/n/_mpc/${directory}${SUFFIX}`;
}

function marker(at: string, from: string, to: string, self: string): Marker {
  const relPath = long(at).replace(/\.request$/, '');
  const result = parseMarker(JSON.stringify({ from: `${from}@x.io`, to: `${to}@x.io`, port: 9001 }), relPath, `${self}@x.io`);
  if (!result.ok) throw new Error(result.reason);
  return result.marker;
}

const ROWS: readonly [string, string, string, string, string, string, string, string, string, string][] = [
  [
    'alice/m/0_to_1',
    'alice',
    'bob',
    'alice',
    'alice/m/0_to_1',
    'alice/m/0_to_1',
    'alice/m/0_to_1',
    'alice/m/0_to_1',
    'bob/m/0_to_1',
    'bob/m/1_to_0',
  ],
  [
    'alice/m/0_to_1',
    'alice',
    'bob',
    'bob',
    'alice/m/0_to_1',
    'alice/m/0_to_1',
    'alice/m/0_to_1',
    'alice/m/0_to_1',
    'bob/m/0_to_1',
    'alice/m/1_to_0',
  ],
  [
    'bob/m/0_to_1',
    'bob',
    'alice',
    'bob',
    'bob/m/0_to_1',
    'alice/m/0_to_1',
    'bob/m/0_to_1',
    'bob/m/0_to_1',
    'alice/m/0_to_1',
    'alice/m/1_to_0',
  ],
  ['zed/m/0_to_1', 'zed', 'amy', 'zed', 'zed/m/0_to_1', 'amy/m/0_to_1', 'zed/m/0_to_1', 'zed/m/0_to_1', 'amy/m/0_to_1', 'amy/m/1_to_0'],
  ['c2/m/2_to_1', 'c2', 'c1', 'c2', 'c1/m/1_to_2', 'c1/m/1_to_2', 'c2/m/2_to_1', 'c2/m/1_to_2', 'c1/m/1_to_2', 'c1/m/1_to_2'],
  ['c1/m/1_to_2', 'c1', 'c2', 'c1', 'c1/m/1_to_2', 'c1/m/1_to_2', 'c1/m/1_to_2', 'c1/m/1_to_2', 'c2/m/1_to_2', 'c2/m/2_to_1'],
];

describe('the keys of a channel', () => {
  it.each(ROWS)('of %s from %s to %s for %s', (at, from, to, self, ...expected) => {
    const keys = channelKeys(marker(at, from, to, self));
    const inOrder = [keys.canonicalGo, keys.canonicalRust, keys.local, keys.ownerFrom, keys.ownerTo, keys.peerInbound];
    expect(inOrder).toEqual(expected.map(long));
  });

  it.each(ROWS)('of %s from %s to %s for %s are all listened to', (at, from, to, self, ...expected) => {
    const mine = marker(at, from, to, self);
    expect(inboundKeys(mine)).toEqual(expect.arrayContaining(expected.map(long)));
    expect(inboundKeys(mine).length).toBe(4);
    expect(outboundPath(mine)).toBe(long(at));
    expect(goOutboundPath(mine)).toBe(long(expected[0] as string));
  });

  it('include the marker path itself where its directory is an unusual one', () => {
    const odd = marker('zed/m/0_to_1_to_9', 'zed', 'amy', 'zed');
    expect(inboundKeys(odd)[0]).toBe(long('zed/m/0_to_1_to_9'));
    expect(inboundKeys(odd).length).toBe(5);
  });

  it('meet between two own peers in the mirrored and in the shared layout', () => {
    const mirrored = [marker('c1/m/1_to_2', 'c1', 'c2', 'c1'), marker('c2/m/2_to_1', 'c2', 'c1', 'c2')] as const;
    const shared = [marker('c1/m/0_to_1', 'c1', 'c2', 'c1'), marker('c2/m/0_to_1', 'c2', 'c1', 'c2')] as const;
    for (const [a, b] of [mirrored, shared]) {
      expect(inboundKeys(b)).toContain(outboundPath(a));
      expect(inboundKeys(a)).toContain(outboundPath(b));
      expect(channelKeys(a).canonicalRust).toBe(channelKeys(b).canonicalRust);
    }
  });
});

describe('several markers of one channel', () => {
  const own = marker('c2/m/2_to_1', 'c2', 'c1', 'c2');
  const foreign = marker('c1/m/1_to_2', 'c1', 'c2', 'c2');
  const other = marker('c2/m/2_to_3', 'c2', 'c3', 'c2');

  it('are reduced to the one in my own datasite, in whatever order they were found', () => {
    for (const order of [
      [own, foreign, other],
      [other, foreign, own],
      [foreign, own, other],
    ]) {
      expect(chooseMarkers(order)).toEqual([own, other]);
    }
  });

  it('are reduced to the lexically first path when none or both are mine', () => {
    const second = marker('c2/m/1_to_2', 'c2', 'c1', 'c2');
    expect(chooseMarkers([own, second])).toEqual([second]);
    expect(chooseMarkers([second, own])).toEqual([second]);
  });

  it('stay apart when only the lexically smaller party is the same', () => {
    const withB = marker('a/m/0_to_1', 'a', 'b', 'a');
    const withC = marker('a/m/0_to_1', 'a', 'c', 'a');
    expect(chooseMarkers([withB, withC]).map((m) => m.peer)).toEqual(['b@x.io', 'c@x.io']);
  });
});
