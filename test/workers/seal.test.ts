// One session's frames, sealed by one end and opened by the other: what a relay can do to them in between.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameView, SEAL_MATERIAL_BYTES } from '../../native-free/index.js';
import { Seal } from '../../workers/lanes/seal.js';

const PATH = 'bob@example.com/x/_mpc/1_to_0/stream.tcp.request';

function pair(): [Seal, Seal] {
  const [there, back] = [randomBytes(SEAL_MATERIAL_BYTES), randomBytes(SEAL_MATERIAL_BYTES)];
  return [new Seal({ send: there, open: back }), new Seal({ send: back, open: there })];
}

const frameOf = (bytes: number): Uint8Array => encodeFrame(PATH, 'h1d-00000007', 41, new Uint8Array(bytes).fill(0x5a));

function sealed(seal: Seal, frame: Uint8Array): Uint8Array {
  // Shared memory, as in the rings.
  const out = new Uint8Array(new SharedArrayBuffer(seal.sealedBytes(frame)));
  seal.seal(frame, out, 0);
  return out;
}

describe('a sealed frame', () => {
  it.each([1, 100, 32_768, 100_000, 262_144])('with %i bytes of payload opens to exactly what it was', (bytes) => {
    const [a, b] = pair();
    const frame = frameOf(bytes);
    const out = sealed(a, frame);
    expect(b.open(out)).toEqual(Buffer.from(frame));
    expect(Buffer.from(out).includes(Buffer.alloc(Math.min(bytes, 16), 0x5a)) && bytes > 15).toBe(false);
  });

  it('is an HLNK frame that says session path and counter, and nothing else', () => {
    const [a] = pair();
    sealed(a, frameOf(10));
    const view = new FrameView();
    expect(view.read(sealed(a, frameOf(10)))).toBe('ok');
    expect([view.path(), view.etag(), view.seq]).toEqual([PATH, 'h1s-00000000', 2]);
  });

  it('is never the same twice', () => {
    const [a] = pair();
    const ciphertexts = Array.from({ length: 100 }, () =>
      Buffer.from(sealed(a, frameOf(64)))
        .subarray(-80)
        .toString('hex'),
    );
    expect(new Set(ciphertexts).size).toBe(100);
  });

  it('opens once, in whatever order it comes', () => {
    const [a, b] = pair();
    const frames = Array.from({ length: 50 }, (_, index) => sealed(a, frameOf(index + 1)));
    for (const frame of frames.toReversed()) expect(b.open(frame)).toBeInstanceOf(Uint8Array);
    for (const frame of frames) expect(b.open(frame)).toBe('repeat');
  });

  it('is broken by any changed bit behind its head, by another counter, by being cut, and by the other direction', () => {
    const [a, b] = pair();
    const frame = sealed(a, frameOf(20));
    const headBytes = 21 + PATH.length + 12;
    for (let at = headBytes; at < frame.length; at += 1) {
      const changed = frame.slice();
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      expect(b.open(changed)).toBe('broken');
    }
    const recounted = frame.slice();
    recounted[20] = 9;
    expect(b.open(recounted)).toBe('broken');
    expect(b.open(frame.subarray(0, frame.length - 1))).toBe('broken');
    expect(b.open(new Uint8Array(0))).toBe('broken');
    expect(a.open(frame)).toBe('broken');
    // None of that used its counter up.
    expect(b.open(frame)).toBeInstanceOf(Uint8Array);
  });

  it('of another session is broken, and so is one that was never sealed', () => {
    const [a] = pair();
    const [, b] = pair();
    expect(b.open(sealed(a, frameOf(20)))).toBe('broken');
    expect(b.open(frameOf(20))).toBe('broken');
  });
});
