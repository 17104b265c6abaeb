// Threads say how they are in shared memory: each in a row of its own, seen only once it has spoken.
import { expect, it } from 'vitest';
import { createThreadHealth, readThreadHealth, ThreadHealthWriter } from '../../native-free/index.js';

const figures = { atMs: 1000, utilization: 0.5, delayMeanMs: 1, delayP99Ms: 2, delayMaxMs: 3 };

it('a thread is seen from its first word on, under its role and number, with its latest figures', () => {
  const memory = createThreadHealth();
  const main = new ThreadHealthWriter(memory, 'main', 0);
  const channel = new ThreadHealthWriter(memory, 'channel', 7);
  expect(readThreadHealth(memory)).toEqual([]);
  channel.write(figures);
  expect(readThreadHealth(memory)).toEqual([{ role: 'channel', threadId: 7, ...figures }]);
  main.write({ ...figures, atMs: 1500 });
  channel.write({ ...figures, utilization: 0.75 });
  expect(readThreadHealth(memory)).toMatchObject([
    { role: 'main', threadId: 0, atMs: 1500 },
    { role: 'channel', threadId: 7, utilization: 0.75 },
  ]);
});

it('more threads than there are rows go unseen, and disturb nobody', () => {
  const memory = createThreadHealth();
  const writers = Array.from({ length: 200 }, (_, threadId) => new ThreadHealthWriter(memory, 'channel', threadId));
  for (const writer of writers) writer.write(figures);
  const seen = readThreadHealth(memory);
  expect(seen.map(({ threadId }) => threadId)).toEqual(Array.from({ length: seen.length }, (_, index) => index));
  expect(seen.length).toBe(128);
});
