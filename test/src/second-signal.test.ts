// A daemon in the middle of a burst whose receiver takes nothing: draining takes its time, and a second signal cuts that short.
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Scene } from '../support/fault-scene.js';
import { ALICE, BOB, dial, until } from '../support/sandbox.js';

describe('a second signal', () => {
  it.each(['direct,webrtc,relay', 'webrtc,relay'])('ends daemons at once that still drain over %s', { timeout: 60_000 }, async (lanes) => {
    const scene = new Scene();
    try {
      await scene.open({ HOTLINK_LANES: lanes });
      const [a, b] = [await dial(scene.ports[ALICE] as number), await dial(scene.ports[BOB] as number)];
      let received = 0;
      b.on('data', (data: Buffer) => {
        received += data.length;
      });
      const push = (): void => {
        while (!a.destroyed && a.write(Buffer.alloc(65_536)));
      };
      a.on('drain', push);
      push();
      await until('bytes flow', () => received > 20_000_000, 20_000);
      b.pause();
      const daemons = [ALICE, BOB].map((email) => scene.processes.get(email)!);
      const draining = daemons.map((daemon) => once(daemon.stderr!, 'data'));
      const ends = daemons.map((daemon) => once(daemon, 'exit') as Promise<[number | null, NodeJS.Signals | null]>);
      const sentMs = performance.now();
      for (const daemon of daemons) daemon.kill('SIGTERM');
      // The first was heard: each says something about it.
      await Promise.all(draining);
      for (const daemon of daemons) daemon.kill('SIGTERM');
      // By the signal itself, or drained just before it: never by an abort.
      for (const [code, signal] of await Promise.all(ends)) expect(signal ?? code).toBe(signal === null ? 143 : 'SIGTERM');
      // What drains takes two seconds at least.
      expect(performance.now() - sentMs).toBeLessThan(2000);
    } finally {
      await scene.close();
    }
  });
});
