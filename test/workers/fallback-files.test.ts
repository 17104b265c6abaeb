// Waiting frames that only their files have: what is gone was taken, and what merely cannot be read is not.
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../native-free/hlnk/index.js';
import { encodePreamble, fallbackName, Outbox, type OutboxFrame, runName } from '../../native-free/ipc/index.js';
import { FallbackFiles } from '../../workers/ipc/fallback-files.js';
import { until } from '../support/sandbox.js';

const SENDER = 'abcdef012345';
const RUN = runName(1);

let folder: string;
let outbox: Outbox;
let files: FallbackFiles;
let loads: number;
let failures: string[];
let frame: OutboxFrame;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotlink-test-'));
  outbox = new Outbox(runName(2), 1_000_000);
  loads = 0;
  failures = [];
  const loaded = (): void => {
    loads += 1;
  };
  files = new FallbackFiles(folder, SENDER, outbox, { written: () => {}, loaded, failed: (reason) => failures.push(reason) });
  outbox.pushFiled(RUN, 1, 0);
  frame = outbox.at(0) as OutboxFrame;
  path = join(folder, fallbackName(SENDER, RUN, 1));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const content = encodeFrame('a@x.io/d/f.request', '', 1, Buffer.from('waits'));
const write = (): void => writeFileSync(path, Buffer.concat([encodePreamble(RUN, 1), content]));

describe('the file of a waiting frame', () => {
  it('is asked for again when it cannot be read now, and the frame is not lost', async () => {
    mkdirSync(path);
    files.fetch(frame);
    await until('it was tried', () => loads === 1);
    expect(frame.bytes).toBeUndefined();
    expect(failures).toEqual([expect.stringMatching(/cannot be read: EISDIR/)]);
    rmdirSync(path);
    write();
    files.fetch(frame);
    await until('it is there', () => frame.bytes !== undefined);
    expect(Buffer.from(frame.bytes as Uint8Array).equals(content)).toBe(true);
  });

  it('that is gone was taken by its receiver: the frame is empty', async () => {
    files.fetch(frame);
    await until('it was looked for', () => loads === 1);
    expect(frame.bytes).toEqual(new Uint8Array(0));
    expect(failures).toEqual([]);
  });

  it('takes no memory when its frame was released while it was read', async () => {
    write();
    files.fetch(frame);
    outbox.releaseBelow(1);
    await until('it was read', () => loads === 1);
    expect(outbox.heldBytes).toBe(0);
  });
});
