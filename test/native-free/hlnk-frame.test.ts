// One HLNK frame: written in place or whole, read in place, every way it can be wrong. wire.md §3.1-3.2.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameView, headRoomBytes, writeFrameHead } from '../../native-free/hlnk/index.js';
import { oracleEncode, oracleRead, type PlainFrame } from './oracle-hlnk.js';
import { fromHex, toHex, vectors } from './oracle-vectors.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const noBytes = new Uint8Array(0);

const anyFrame: fc.Arbitrary<PlainFrame> = fc.record({
  path: fc.string({ unit: 'grapheme', maxLength: 40 }),
  etag: fc.string({ unit: 'grapheme', maxLength: 8 }).filter((etag) => utf8(etag).length <= 128),
  seq: fc.oneof(fc.maxSafeNat(), fc.nat(300)),
  payload: fc.uint8Array({ maxLength: 300 }),
});

const plain = (view: FrameView): PlainFrame => ({
  path: view.path(),
  etag: view.etag(),
  seq: view.seq,
  payload: Uint8Array.from(view.payload()),
});

describe('the golden frames', () => {
  for (const { name, hex, path, etag, seq, payload } of vectors.hlnk) {
    it(`${name}: written`, () => {
      expect(toHex(encodeFrame(path, etag, seq, fromHex(payload)))).toBe(hex);
    });
    it(`${name}: read`, () => {
      const view = new FrameView();
      expect(view.read(fromHex(hex))).toBe('ok');
      expect(plain(view)).toEqual({ path, etag, seq, payload: fromHex(payload) });
    });
  }

  it('the legacy QUIC handshake is no frame', () => {
    for (const { hex } of vectors.hlq1) expect(new FrameView().read(fromHex(hex))).toBe('bad-magic');
  });
});

describe('writing', () => {
  it('agrees with the oracle', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        expect(encodeFrame(frame.path, frame.etag, frame.seq, frame.payload)).toEqual(oracleEncode(frame));
      }),
    );
  });

  it('a head in front of a payload in shared memory touches nothing but its head-room', () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(50), fc.nat(50), (frame, frontBytes, backBytes) => {
        const path = utf8(frame.path);
        const etag = utf8(frame.etag);
        const payloadAt = frontBytes + headRoomBytes(path.length, etag.length);
        const memory = new SharedArrayBuffer(8 + payloadAt + frame.payload.length + backBytes);
        const out = new Uint8Array(memory, 8).fill(0xee);
        out.set(frame.payload, payloadAt);
        const start = writeFrameHead(out, payloadAt, frame.payload.length, path, etag, frame.seq);
        expect(start).toBe(frontBytes);
        expect(Uint8Array.from(out.subarray(start, payloadAt + frame.payload.length))).toEqual(oracleEncode(frame));
        expect(out.subarray(0, start).every((byte) => byte === 0xee)).toBe(true);
        expect(out.subarray(payloadAt + frame.payload.length).every((byte) => byte === 0xee)).toBe(true);
      }),
    );
  });

  it('refuses what would not be read back instead of cutting it to the width of its field', () => {
    const code = (write: () => unknown) => {
      try {
        write();
      } catch (error) {
        return (error as { code?: string }).code;
      }
      return 'written';
    };
    expect(code(() => encodeFrame('p'.repeat(4096), 'e'.repeat(128), 0, noBytes))).toBe('written');
    expect(code(() => encodeFrame('p'.repeat(4097), '', 1, noBytes))).toBe('ERR_HLNK_PATH');
    expect(code(() => encodeFrame('p'.repeat(65536 + 10), '', 1, noBytes))).toBe('ERR_HLNK_PATH');
    expect(code(() => encodeFrame('p', 'e'.repeat(129), 1, noBytes))).toBe('ERR_HLNK_INTERNAL');
    expect(code(() => encodeFrame('p', '', 1, new Uint8Array(16 * 1024 * 1024 + 1)))).toBe('ERR_HLNK_INTERNAL');
    for (const seq of [-1, 0.5, Number.NaN, 2 ** 53]) expect(code(() => encodeFrame('p', '', seq, noBytes))).toBe('ERR_HLNK_INTERNAL');
    const out = new Uint8Array(100);
    expect(code(() => writeFrameHead(out, 21, 1, utf8('p'), noBytes, 1))).toBe('ERR_HLNK_INTERNAL'); // one byte of head-room short
    expect(code(() => writeFrameHead(out, 22, 79, utf8('p'), noBytes, 1))).toBe('ERR_HLNK_INTERNAL'); // payload over the end
    expect(code(() => writeFrameHead(out, 22, 78, utf8('p'), noBytes, 1))).toBe('written');
  });
});

describe('reading', () => {
  it('agrees with the oracle on frames that are damaged, cut or continued, at any offset and in shared memory', () => {
    const damage = fc.record({
      at: fc.nat(30),
      byte: fc.nat(255),
      keptBytes: fc.option(fc.nat(200), { nil: undefined }),
      tail: fc.uint8Array({ maxLength: 3 }),
      shared: fc.boolean(),
    });
    const view = new FrameView();
    fc.assert(
      fc.property(anyFrame, damage, (frame, { at, byte, keptBytes, tail, shared }) => {
        const encoded = oracleEncode(frame);
        if (at < encoded.length) encoded[at] = byte;
        const whole = Uint8Array.from([...encoded.slice(0, keptBytes), ...tail]);
        const memory = shared ? new SharedArrayBuffer(whole.length + 8) : new ArrayBuffer(whole.length + 8);
        const message = new Uint8Array(memory, 5, whole.length);
        message.set(whole);
        const expected = oracleRead(whole);
        expect(view.read(message)).toBe(expected.verdict);
        if (expected.frame !== undefined) expect(plain(view)).toEqual(expected.frame);
      }),
      { numRuns: 400 },
    );
  });

  it('every verdict, and the limits themselves still pass', () => {
    const view = new FrameView();
    const good = encodeFrame('a@x.io/p', 'e', 7, utf8('hi'));
    const changed = (change: (header: DataView) => void) => {
      const bytes = good.slice();
      change(new DataView(bytes.buffer));
      return view.read(bytes);
    };
    expect(view.read(good)).toBe('ok');
    expect(changed((header) => header.setUint8(0, 0x68))).toBe('bad-magic');
    expect(changed((header) => header.setUint8(3, 0))).toBe('bad-magic');
    expect(changed((header) => header.setUint8(4, 2))).toBe('bad-version');
    expect(changed((header) => header.setUint16(5, 4097))).toBe('path-too-long');
    expect(changed((header) => header.setUint16(5, 4096))).toBe('truncated');
    expect(changed((header) => header.setUint16(7, 129))).toBe('etag-too-long');
    expect(changed((header) => header.setUint16(7, 128))).toBe('truncated');
    expect(changed((header) => header.setUint32(9, 16 * 1024 * 1024 + 1))).toBe('payload-too-long');
    expect(changed((header) => header.setUint32(9, 16 * 1024 * 1024))).toBe('truncated');
    expect(changed((header) => header.setUint32(9, 0xffff_ffff))).toBe('payload-too-long');
    expect(changed((header) => header.setBigUint64(13, 1n << 53n))).toBe('bad-seq');
    expect(changed((header) => header.setBigUint64(13, (1n << 53n) - 1n))).toBe('ok');
    expect(view.seq).toBe(Number.MAX_SAFE_INTEGER);
    expect(view.read(noBytes)).toBe('truncated');
    expect(view.read(good.subarray(0, 20))).toBe('truncated');
    expect(view.read(good.subarray(0, good.length - 1))).toBe('truncated');
    expect(view.read(Uint8Array.from([...good, 0]))).toBe('trailing-bytes');
    expect(view.payload()).toEqual(utf8('hi'));
  });

  it('the payload is a view, so a change of the message shows in it', () => {
    const message = encodeFrame('p', '', 1, utf8('hi'));
    const view = new FrameView();
    view.read(message);
    expect(view.payload().buffer).toBe(message.buffer);
    message[view.payloadStart] = 0x48;
    expect(view.payload()[0]).toBe(0x48);
  });

  it('compares path and etag with bytes, and shows a path that is not UTF-8', () => {
    const view = new FrameView();
    view.read(encodeFrame('a@x.io/p', 's1', 1, utf8('hi')));
    expect([view.pathIs(utf8('a@x.io/p')), view.pathIs(utf8('a@x.io/q')), view.pathIs(utf8('a@x.io/pp'))]).toEqual([true, false, false]);
    expect([view.etagIs(utf8('s1')), view.etagIs(utf8('s2')), view.etagIs(noBytes)]).toEqual([true, false, false]);
    expect(view.read(encodeFrame(Uint8Array.of(0x61, 0xff), '', 1, noBytes))).toBe('ok');
    expect(view.path()).toBe('a\ufffd');
  });
});
