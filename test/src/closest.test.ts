// Which name a misspelt one is taken for, and when none is.
import { expect, it } from 'vitest';
import { closest } from '../../src/closest.js';

const NAMES = ['strict', 'seal', 'server', 'stripes', 'chunkBytes', 'ownChunkBytes', 'keepAliveMs', 'mtu', 'ipc'];

it.each([
  ['strcit', 'strict'],
  ['stict', 'strict'],
  ['striktt', 'strict'],
  ['Server', 'server'],
  ['chunk_bytes', 'chunkBytes'],
  ['chunk', 'chunkBytes'],
  ['keepAlive', 'keepAliveMs'],
  ['keep-alvie', 'keepAliveMs'],
  ['own-chunk', 'ownChunkBytes'],
  ['mut', 'mtu'],
  ['chunkByte', 'chunkBytes'],
  ['chunkBtyes', 'chunkBytes'],
  ['sealed', 'seal'],
  ['stripe', 'stripes'],
])('%s is taken for %s', (name, meant) => {
  expect(closest(name, NAMES)).toBe(meant);
});

it.each(['x', '', 'xyz', 'colour', 'relay', 'ip', 'strictness', 'keepAliffe1'])('%j is taken for none', (name) => {
  expect(closest(name, NAMES)).toBeUndefined();
});

it('takes the nearest of several, whichever comes first, and the first of those that are as near', () => {
  expect(closest('stripe', ['stripes', 'strict'])).toBe('stripes');
  expect(closest('stripe', ['strict', 'stripes'])).toBe('stripes');
  expect(closest('sea', ['seal', 'seat'])).toBe('seal');
});
