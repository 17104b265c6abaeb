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
  // `strict` comes first and is two letters off.
  ['stripe', 'stripes'],
])('%s is taken for %s', (name, meant) => {
  expect(closest(name, NAMES)).toBe(meant);
});

it.each(['x', '', 'xyz', 'colour', 'relay', 'ip', 'strictness', 'keepAliffe1'])('%j is taken for none', (name) => {
  expect(closest(name, NAMES)).toBeUndefined();
});
