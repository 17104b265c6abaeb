// Starting and stopping, over and over, and markers that come, change and go.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Holdings } from '../support/holdings.js';
import { ALICE, BOB, dial, freePort, Sandbox, transfer, until } from '../support/sandbox.js';

let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

async function exchange(a: { port: number }, b: { port: number }, bytes: number): Promise<void> {
  const [from, to] = [await dial(a.port), await dial(b.port)];
  const result = await transfer(from, to, bytes);
  expect(result.received).toBe(result.sent);
  to.end();
  await once(from, 'close');
}

/** What a process of its own holds before and after most of its rounds. */
async function cycles(kind: 'markers' | 'library'): Promise<{ before: Holdings; after: Holdings; lanes: Record<string, number> }> {
  const script = new URL('./cycles.js', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--expose-gc', script, kind], {
    env: { ...process.env, MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072' },
  });
  let [printed, complaint] = ['', ''];
  child.stdout.on('data', (data) => {
    printed += data;
  });
  child.stderr.on('data', (data) => {
    complaint += data;
  });
  await once(child, 'close');
  expect(complaint).toBe('');
  return JSON.parse(printed);
}

function expectFlat(before: Holdings, after: Holdings, rounds: number): void {
  expect(after.images).toBe(0);
  expect(after.threads).toBeLessThanOrEqual(before.threads);
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
  expect(after.resources).toEqual(before.resources);
  expect((after.heapBytes - before.heapBytes) / rounds).toBeLessThan(100_000);
  // The addon itself leaves about 0.25 MB behind with each of its images, two a round (workers/README.md); more would be ours.
  expect((after.rssBytes - before.rssBytes) / rounds).toBeLessThan(1_500_000);
}

describe('a data plane', () => {
  it.runIf(process.platform === 'linux')(
    'leaves no thread, file or memory behind after 100 starts and stops with live data channels',
    { timeout: 300_000 },
    async () => {
      const { before, after, lanes } = await cycles('markers');
      expect(lanes).toEqual({ webrtc: 100 });
      expectFlat(before, after, 60);
    },
  );

  it.runIf(process.platform === 'linux')(
    'leaves no thread, handle, file or memory behind after 50 rounds of streams of the program, over each lane and own signaling',
    { timeout: 300_000 },
    async () => {
      const { before, after, lanes } = await cycles('library');
      expect(lanes).toEqual({ direct: 8, webrtc: 9, relay: 17, 'direct, own signaling': 8, 'webrtc, own signaling': 8 });
      expectFlat(before, after, 24);
    },
  );
});

describe('a marker', () => {
  it('that is deleted closes the port, and rewritten opens it again with WebRTC as before', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair();
    await exchange(alice, bob, 100_000);
    const file = join(alice.markerDir, 'stream.tcp');
    const text = readFileSync(file);
    rmSync(file);
    await until('the channel is gone', () => alice.events.some(({ what }) => what === 'channel removed'));
    await expect(dial(alice.port)).rejects.toThrow('ECONNREFUSED');
    writeFileSync(file, text);
    await until('the channel is back', () => alice.link.status().channels[0]?.listening === true);
    await exchange(alice, bob, 2_000_000);
    await exchange(bob, alice, 2_000_000);
    expect(alice.link.status().channels[0]?.sessions[0]?.webrtc).toBe('connected');
  });

  it('that names a busy port is reported with the port, and works as soon as the port is free', async () => {
    sandbox = await Sandbox.open();
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as { port: number };
    const ports = { [ALICE]: port, [BOB]: await freePort() };
    const alice = await sandbox.start(ALICE, port, await sandbox.writeMarker(ALICE, BOB, '0_to_1', ports));
    await until('the problem is told', () => alice.link.status().channels[0]?.problem?.includes(`127.0.0.1:${port}`) === true);
    expect(alice.link.status().channels[0]?.problem).toContain('in use');
    blocker.close();
    await until('it listens', () => alice.link.status().channels[0]?.listening === true);
    expect(alice.link.status().channels[0]?.problem).toBeUndefined();
  });

  it('that cannot be used is told once with its reason and counted, while the others work', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair();
    const bad: [string, string, string][] = [
      ['3_to_4', 'not json {', 'JSON'],
      ['5_to_6', JSON.stringify({ to: BOB, port: 1 }), 'from'],
      ['7_to_8', JSON.stringify({ from: ALICE, port: 1 }), 'to'],
      ['9_to_10', JSON.stringify({ from: ALICE, to: BOB }), 'port'],
    ];
    for (const [directory, text] of bad) {
      const path = await sandbox.writeMarker(ALICE, BOB, directory, {});
      writeFileSync(join(path, 'stream.tcp'), text);
    }
    await until('all four are refused', () => alice.link.status().totals.markersRefused >= 4);
    for (const [directory, , word] of bad) {
      const told = alice.events.filter(
        ({ what, fields }) => what === 'marker refused' && String(fields['path']).includes(`/${directory}/`),
      );
      // A half-written file may be seen once on its way; what stays is told once.
      expect(String(told.at(-1)?.fields['reason'])).toContain(word);
    }
    await exchange(alice, bob, 500_000);
  });
});
