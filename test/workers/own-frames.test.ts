// How much an own peer may send before the application took what is here, however it cuts its frames.
import { expect, it } from 'vitest';
import { encodeFrame } from '../../native-free/hlnk/index.js';
import { encodePreamble } from '../../native-free/ipc/index.js';
import { OwnFrames } from '../../workers/ipc/own-frames.js';

const CREDIT = 100_000;

/** Sends `bytes` as far as the credit goes, in pieces of `pieceBytes`. */
function send(frames: OwnFrames, bytes: Uint8Array, pieceBytes: number, left: () => number): number {
  let sent = 0;
  while (sent < bytes.length) {
    const piece = bytes.subarray(sent, sent + Math.min(pieceBytes, left() - sent));
    if (piece.length === 0) break;
    sent += piece.length;
    frames.push(piece);
  }
  return sent;
}

it.each([
  ['whole', 10_000],
  ['with the end of each in the next piece', 9999],
  ['in small pieces', 700],
])('frames sent %s stop at the credit while nobody takes them, and go on when somebody does', (_how, pieceBytes) => {
  const waiting: (() => void)[] = [];
  let granted = CREDIT;
  const frames = new OwnFrames({
    begin: (_run, _base, taken) => taken(),
    frame: (_run, _view, _bytes, taken) => waiting.push(taken),
    consumed: (bytes) => {
      granted += bytes;
    },
  });
  const frame = encodeFrame('a@b.co/x', 'e', 1, new Uint8Array(10_000 - 30));
  const all = Buffer.concat([encodePreamble('0123456789ab', 1), ...new Array<Uint8Array>(100).fill(frame)]);
  const sent = send(frames, all, pieceBytes, () => granted);
  // What is granted beyond what was sent is room for the rest of the one frame that has begun.
  expect(sent).toBeLessThanOrEqual(CREDIT + 2 * frame.length);
  let at = sent;
  for (let round = 0; at < all.length && round < 1000; round += 1) {
    waiting.shift()?.();
    at += send(frames, all.subarray(at), pieceBytes, () => granted - at);
  }
  expect(at).toBe(all.length);
  for (const taken of waiting.splice(0)) taken();
  expect(granted).toBe(CREDIT + all.length);
});

it('preambles wait for their turn like frames do', () => {
  let granted = 0;
  const frames = new OwnFrames({ begin: () => {}, frame: () => {}, consumed: (bytes) => (granted += bytes) });
  const preamble = encodePreamble('0123456789ab', 1);
  frames.push(Buffer.concat(new Array<Uint8Array>(50).fill(preamble)));
  expect(granted).toBe(0);
});

it('a frame larger than the credit comes through', () => {
  let granted = CREDIT;
  let whole = 0;
  const frames = new OwnFrames({
    begin: () => {},
    frame: (_run, _view, bytes, taken) => {
      whole = bytes.length;
      taken();
    },
    consumed: (bytes) => {
      granted += bytes;
    },
  });
  const frame = encodeFrame('a@b.co/x', 'e', 1, new Uint8Array(5 * CREDIT));
  expect(send(frames, frame, 30_000, () => granted)).toBe(frame.length);
  expect(whole).toBe(frame.length);
  expect(granted).toBe(CREDIT + frame.length);
});
