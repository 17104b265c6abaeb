// Which connections have their small reads acknowledged at once: those whose application was seen to wait for it, and no others.
import { expect, it } from 'vitest';
import { AckWatch } from '../../workers/tcp/quickack.js';

it('acknowledges at once after two silences of a delayed acknowledgement, and from then on', () => {
  const watch = new AckWatch();
  expect(watch.read(8, 0)).toBe(false);
  expect(watch.read(100, 41)).toBe(false);
  watch.wrote();
  expect(watch.read(8, 50)).toBe(false);
  expect(watch.read(100, 92)).toBe(true);
  watch.wrote();
  expect(watch.read(8, 92.1)).toBe(true);
});

it('leaves an application alone that waits for the answer to each message', () => {
  const watch = new AckWatch();
  for (let nowMs = 0; nowMs < 10_000; nowMs += 41) {
    expect(watch.read(64, nowMs)).toBe(false);
    watch.wrote();
  }
});

it('leaves alone one that streams, and one that is silent for longer or shorter than an acknowledgement is delayed', () => {
  const streams = new AckWatch();
  for (let nowMs = 0; nowMs < 10_000; nowMs += 41) expect(streams.read(65_536, nowMs)).toBe(false);
  const rare = new AckWatch();
  for (let nowMs = 0; nowMs < 100_000; nowMs += 1000) expect(rare.read(64, nowMs)).toBe(false);
  const often = new AckWatch();
  for (let nowMs = 0; nowMs < 1000; nowMs += 5) expect(often.read(64, nowMs)).toBe(false);
});
