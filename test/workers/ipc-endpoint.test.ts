// Where an IPC socket is put: never in a folder in which another user could put one of their own in its place.
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Endpoint } from '../../workers/ipc/endpoint.js';
import { until } from '../support/sandbox.js';

let home = '';
let endpoint: Endpoint | undefined;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hotlink-endpoint-'));
});
afterEach(async () => {
  await endpoint?.close();
  endpoint = undefined;
  rmSync(home, { recursive: true, force: true });
});

const folder = (): string => join(home, 'sockets');
const beside = (): string => `${folder()}-${process.getuid?.()}`;

async function place(): Promise<string> {
  const said: string[] = [];
  endpoint = new Endpoint(
    { kind: 'unix', path: join(folder(), 'one.sock') },
    {
      connection: (socket) => socket.destroy(),
      listening: (address) => said.push(address),
      failed: (code, message) => said.push(`${code} ${message}`),
    },
  );
  await until('it says where it is', () => said.length > 0);
  return said[0] as string;
}

function squat(how: 'free for all' | 'a link'): void {
  if (how === 'a link') {
    mkdirSync(join(home, 'elsewhere'));
    symlinkSync(join(home, 'elsewhere'), folder());
  } else {
    mkdirSync(folder());
    chmodSync(folder(), 0o777);
  }
}

it.each(['free for all', 'a link'] as const)('a folder that is %s is not used; one with our number is', async (how) => {
  squat(how);
  expect(await place()).toBe(join(beside(), 'one.sock'));
  expect(lstatSync(beside()).mode & 0o022).toBe(0);
  await endpoint?.close();
  expect(() => lstatSync(join(beside(), 'one.sock'))).toThrow('ENOENT');
});

it('nowhere is better than in somebody else’s hands', async () => {
  for (const path of [folder(), beside()]) {
    mkdirSync(path);
    chmodSync(path, 0o777);
  }
  expect(await place()).toMatch(/^EACCES .*this user's alone/);
});

it('our own folder is used as it is', async () => {
  expect(await place()).toBe(join(folder(), 'one.sock'));
});
