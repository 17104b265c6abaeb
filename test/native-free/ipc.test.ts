// What waits for a peer, what came from one, and what the files in between are called: the parts of local IPC that know no socket.
import { describe, expect, it } from 'vitest';
import { FrameView, MAX_PAYLOAD_BYTES } from '../../native-free/hlnk/index.js';
import {
  byNumber,
  encodePreamble,
  fallbackName,
  Inbox,
  Outbox,
  parseFallbackName,
  readFallback,
  readPreamble,
  runName,
} from '../../native-free/ipc/index.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const RUN = '0123456789ab';

function frame(outbox: Outbox, text: string): Uint8Array {
  return outbox.push(bytes('a@x.io/d/f.request'), bytes(''), bytes(text), 0).bytes as Uint8Array;
}

describe('the outbox', () => {
  it('numbers frames from 1 and keeps them until they are released', () => {
    const outbox = new Outbox(RUN, 1000);
    const view = new FrameView();
    for (const text of ['one', 'two', 'three']) frame(outbox, text);
    expect(view.read(outbox.at(1)?.bytes as Uint8Array)).toBe('ok');
    expect([view.seq, view.path(), new TextDecoder().decode(view.payload())]).toEqual([2, 'a@x.io/d/f.request', 'two']);
    expect(outbox.releaseBelow(2).map(({ number }) => number)).toEqual([1, 2]);
    expect([outbox.first, outbox.next, outbox.count, outbox.at(1)]).toEqual([2, 3, 1, undefined]);
  });

  it('takes one frame of any size, and is full until it is released or in a file', () => {
    const outbox = new Outbox(RUN, 100);
    expect(outbox.full).toBe(false);
    const large = outbox.push(bytes('a@x.io/d/f.request'), bytes(''), new Uint8Array(MAX_PAYLOAD_BYTES), 0);
    expect(outbox.full).toBe(true);
    outbox.filed(large);
    expect([outbox.full, outbox.heldBytes, outbox.count]).toEqual([false, 0, 1]);
    outbox.load(large, bytes('again'));
    expect(outbox.heldBytes).toBe(5);
    outbox.releaseBelow(1);
    expect(outbox.heldBytes).toBe(0);
  });

  it('sends what an earlier run left in files first, under that run’s numbers', () => {
    const outbox = new Outbox(RUN, 1000);
    outbox.pushFiled('00000000000a', 7, 0);
    outbox.pushFiled('00000000000a', 8, 0);
    frame(outbox, 'new');
    expect([0, 1, 2].map((at) => [outbox.at(at)?.run, outbox.at(at)?.number])).toEqual([
      ['00000000000a', 7],
      ['00000000000a', 8],
      [RUN, 1],
    ]);
    expect(outbox.baseOf(outbox.at(1) as never)).toBe(7);
  });
});

describe('the inbox', () => {
  it('takes every number of a run once, in order', () => {
    const inbox = new Inbox();
    inbox.begin(RUN, 5);
    expect([4, 5, 6].map((number) => inbox.look(RUN, number))).toEqual(['duplicate', 'deliver', 'early']);
    inbox.delivered(RUN, 5);
    expect([5, 6].map((number) => inbox.look(RUN, number))).toEqual(['duplicate', 'deliver']);
  });

  it('does not go back when a sender begins with an older number again', () => {
    const inbox = new Inbox();
    inbox.begin(RUN, 9);
    inbox.begin(RUN, 3);
    expect(inbox.look(RUN, 8)).toBe('duplicate');
  });

  it('expects a run that it knows nothing of from its first frame, and forgets the oldest of many', () => {
    const inbox = new Inbox();
    expect(inbox.look(RUN, 1)).toBe('deliver');
    for (let i = 0; i < 40; i += 1) inbox.begin(`run ${i}`, 2);
    expect(inbox.knows('run 0')).toBe(false);
    expect(inbox.knows('run 39')).toBe(true);
  });
});

describe('a fallback file', () => {
  it('is found by its name, and sorts by run and number', () => {
    const names = [
      fallbackName('0a0b0c0d', RUN, 100_000_000),
      fallbackName('0a0b0c0d', RUN, 2),
      fallbackName('0a0b0c0d', '0123456789aa', 3),
    ];
    const files = names.flatMap((name) => parseFallbackName(name) ?? []);
    expect(files.sort(byNumber).map(({ run, number }) => [run, number])).toEqual([
      ['0123456789aa', 3],
      [RUN, 2],
      [RUN, 100_000_000],
    ]);
    for (const other of ['00000001.request', 'x.request', `.${names[0]}.tmp`, 'hl1-0a0b0c0d-0123456789ab-1.request']) {
      expect(parseFallbackName(other)).toBeUndefined();
    }
  });

  it('gives back the frame and where its run begins, and nothing while it is not whole', () => {
    const content = Buffer.concat([encodePreamble(RUN, 4), frame(new Outbox(RUN, 1000), 'payload')]);
    const read = readFallback(content);
    expect(read?.preamble).toEqual({ run: RUN, base: 4 });
    expect(read?.path).toBe('a@x.io/d/f.request');
    const view = new FrameView();
    expect(view.read(read?.frame as Uint8Array)).toBe('ok');
    for (let cut = 0; cut < content.length; cut += 1) expect(readFallback(content.subarray(0, cut)), `cut at ${cut}`).toBeUndefined();
    expect(readFallback(Buffer.concat([content, Buffer.from('x')]))).toBeUndefined();
    expect(readFallback(Buffer.from('an application’s own file'))).toBeUndefined();
  });
});

it('runs sort by when they began, and an application’s frame is never taken for a preamble', () => {
  const names = [1_800_000_000_000, 1_700_000_000_000, 0].map(runName);
  expect([...names].sort()).toEqual([...names].reverse());
  const view = new FrameView();
  view.read(frame(new Outbox(RUN, 1000), 'x'));
  expect(readPreamble(view)).toBeUndefined();
  view.read(encodePreamble(RUN, 0));
  expect(readPreamble(view)).toBeUndefined();
});
