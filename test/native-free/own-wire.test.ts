// What own peers say to each other: read back as written, and anything else refused without harm.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ACK_MAX_STREAMS,
  decodeAck,
  decodePing,
  encodeAck,
  encodePing,
  OWN_ETAG_BYTES,
  type OwnEtag,
  OwnKind,
  readOwnEtag,
  writeOwnEtag,
} from '../../native-free/channel/own-wire.js';

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const position = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

describe('an etag of ours', () => {
  it('is read back wherever it lies', () => {
    fc.assert(
      fc.property(uint32, fc.constantFrom(...Object.values(OwnKind)), fc.nat(20), (stream, kind, at) => {
        const etag = new Uint8Array(OWN_ETAG_BYTES);
        writeOwnEtag(etag, kind, stream);
        const message = new Uint8Array(at + OWN_ETAG_BYTES);
        message.set(etag, at);
        const read: OwnEtag = { kind: OwnKind.data, stream: 0 };
        expect(readOwnEtag(message, at, OWN_ETAG_BYTES, read)).toBe(true);
        expect(read).toEqual({ kind, stream });
      }),
      { numRuns: 200 },
    );
  });

  it('is looked at, and everything else is not one', () => {
    const read: OwnEtag = { kind: OwnKind.data, stream: 7 };
    for (const text of ['h1d-0000000G', 'h2d-00000000', 'h1z-00000000', 'h1d+00000000', 'x1d-00000000', 'h1d-0000000']) {
      expect(readOwnEtag(new TextEncoder().encode(text), 0, text.length, read)).toBe(false);
    }
    expect(read).toEqual({ kind: OwnKind.data, stream: 7 });
  });
});

describe('an acknowledgement', () => {
  const ack = fc.record({ nextSeq: position, answersPing: uint32, missingFrames: uint32 });

  it('is read back, with every limit it names', () => {
    fc.assert(
      fc.property(ack, fc.array(fc.tuple(uint32, position), { maxLength: ACK_MAX_STREAMS }), (said, limits) => {
        const heard: [number, number][] = [];
        expect(decodeAck(encodeAck(said, limits.flat()), (stream, bytes) => heard.push([stream, bytes]))).toEqual(said);
        expect(heard).toEqual(limits);
      }),
      { numRuns: 200 },
    );
  });

  it('that is cut short, longer, of another version or nonsense is refused before anything of it is believed', () => {
    const refuse = (payload: Uint8Array): void => {
      let called = 0;
      expect(decodeAck(payload, () => called++)).toBeUndefined();
      expect(called).toBe(0);
    };
    const good = encodeAck({ nextSeq: 5, answersPing: 0, missingFrames: 0 }, [1, 1000]);
    refuse(good.subarray(0, good.length - 1));
    refuse(new Uint8Array([...good, 0]));
    refuse(new Uint8Array([2, ...good.subarray(1)]));
    refuse(encodeAck({ nextSeq: 0, answersPing: 0, missingFrames: 0 }, []));
    refuse(new Uint8Array(20).fill(255));
    refuse(new Uint8Array(0));
  });
});

describe('a ping', () => {
  it('is read back, and nothing else is one', () => {
    for (const id of [0, 1, 0xffff_ffff]) expect(decodePing(encodePing(id))).toBe(id);
    expect(decodePing(new Uint8Array(7))).toBe(-1);
    expect(decodePing(new Uint8Array(8))).toBe(-1);
    expect(decodePing(new Uint8Array(9).fill(1))).toBe(-1);
  });
});
