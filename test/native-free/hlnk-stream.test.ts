// HLNK frames out of a byte stream: cut anywhere, with noise between them, never holding more than one. wire.md §3.2-3.4.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameDecoder } from '../../native-free/hlnk/index.js';
import { oracleEncode, oracleStream, type PlainFrame } from './oracle-hlnk.js';

const utf8 = (text: string) => new TextEncoder().encode(text);

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function decodeAll(chunks: readonly Uint8Array[]): { frames: PlainFrame[]; decoder: FrameDecoder } {
  const decoder = new FrameDecoder();
  const frames: PlainFrame[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (const frame of decoder) {
      frames.push({ path: frame.path(), etag: frame.etag(), seq: frame.seq, payload: Uint8Array.from(frame.payload()) });
    }
  }
  return { frames, decoder };
}

function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

const someFrame = fc
  .record({
    path: fc.string({ maxLength: 12 }),
    etag: fc.string({ maxLength: 4 }),
    seq: fc.maxSafeNat(),
    payload: fc.uint8Array({ maxLength: 60 }),
  })
  .map(oracleEncode);

/** Noise that likes to look like a frame: parts of the magic, and whole headers that cannot be used. */
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 10 }),
  fc.array(fc.constantFrom(0x48, 0x4c, 0x4e, 0x4b, 0x00), { maxLength: 12 }).map((bytes) => Uint8Array.from(bytes)),
  fc.constant(utf8('HHLNHL')),
  fc.record({ at: fc.constantFrom(4, 5, 7, 9, 13), byte: fc.constantFrom(0x11, 0x7f, 0xff) }).map(({ at, byte }) => {
    const header = encodeFrame('', '', 1, new Uint8Array(0));
    header[at] = byte;
    return header;
  }),
);

describe('a stream of frames', () => {
  it('agrees with the oracle however it is cut and whatever lies between the frames', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(someFrame, noise), { maxLength: 8 }), fc.array(fc.nat(10_000), { maxLength: 12 }), (parts, cuts) => {
        const stream = join(parts);
        const expected = oracleStream(stream);
        const { frames, decoder } = decodeAll(cutAt(stream, cuts));
        expect(frames).toEqual(expected.frames);
        expect(decoder.skippedBytes).toBe(expected.skippedBytes);
        expect(decoder.unfinishedBytes).toBe(expected.unfinishedBytes);
      }),
      { numRuns: 500 },
    );
  });

  it('arrives byte by byte', () => {
    const frames = [1, 2, 3].map((seq) => ({ path: 'a@x.io/p', etag: `s${seq}`, seq, payload: utf8(`payload ${seq}`) }));
    const stream = join([utf8('HL'), ...frames.map(oracleEncode), utf8('HLN')]);
    const { frames: decoded, decoder } = decodeAll([...stream].map((byte) => Uint8Array.of(byte)));
    expect(decoded).toEqual(frames);
    expect(decoder.skippedBytes).toBe(2);
    expect(decoder.unfinishedBytes).toBe(3);
  });

  it('a whole frame in a chunk is not copied', () => {
    const chunk = encodeFrame('p', '', 1, utf8('hi'));
    const decoder = new FrameDecoder();
    decoder.push(chunk);
    expect(decoder.next()?.payload().buffer).toBe(chunk.buffer);
    expect(decoder.next()).toBeUndefined();
  });

  it('a large frame in small reads comes out whole', () => {
    const payload = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7);
    const stream = encodeFrame('a@x.io/p', '', 9, payload);
    const chunks = Array.from({ length: Math.ceil(stream.length / 4096) }, (_, i) => stream.subarray(i * 4096, (i + 1) * 4096));
    const { frames, decoder } = decodeAll(chunks);
    expect(frames).toHaveLength(1);
    expect(Buffer.compare(frames[0]!.payload, payload)).toBe(0);
    expect(decoder.unfinishedBytes).toBe(0);
  });

  it('after another version the hunt goes on behind the 21 bytes of its header, as in the Go client', () => {
    const future = encodeFrame('a@x.io/p', '', 1, utf8('what version 2 means by this'));
    future[4] = 2;
    const { frames, decoder } = decodeAll([join([future, encodeFrame('p', '', 2, utf8('hi'))])]);
    expect(frames.map(({ seq }) => seq)).toEqual([2]);
    expect(decoder.skippedBytes).toBe(future.length);
  });

  it('a header over our limits is noise: nothing is kept for the gigabytes it promises', () => {
    const header = encodeFrame('', '', 1, new Uint8Array(0));
    new DataView(header.buffer).setUint32(9, 0xffff_ffff);
    const { frames, decoder } = decodeAll([header.subarray(0, 10), header.subarray(10), encodeFrame('p', '', 2, utf8('hi'))]);
    expect(frames.map(({ seq }) => seq)).toEqual([2]);
    expect(decoder.skippedBytes).toBe(21);
    expect(decoder.unfinishedBytes).toBe(0);
  });

  it('refuses the next chunk while frames of this one wait', () => {
    const decoder = new FrameDecoder();
    decoder.push(join([encodeFrame('p', '', 1, utf8('a')), encodeFrame('p', '', 2, utf8('b'))]));
    expect(decoder.next()?.seq).toBe(1);
    expect(() => decoder.push(utf8('x'))).toThrow(expect.objectContaining({ code: 'ERR_HLNK_INTERNAL' }));
    expect(decoder.next()?.seq).toBe(2);
    expect(decoder.next()).toBeUndefined();
    decoder.push(utf8('x'));
  });
});
