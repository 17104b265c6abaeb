// The words for further connections of a lane, both ways, and what a stranger may write instead.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatStripeHello, formatStripeSignal, parseStripeHello, parseStripeSignal, SIGNAL_LIMITS } from '../../native-free/index.js';
import { encodeReceipt, readReceipt } from '../../native-free/stripes/receipt.js';

describe('a signal of a further connection', () => {
  it('arrives as it was written', () => {
    const offer = { member: 'a12', knd: 'sdp_offer', tok: '{"type":"offer","sdp":"v=0\\r\\n"}', lossy: true } as const;
    expect(parseStripeSignal(formatStripeSignal(offer))).toEqual(offer);
    const error = { member: 'o1', knd: 'webrtc_error', err: 'no' } as const;
    expect(parseStripeSignal(formatStripeSignal(error))).toEqual({ ...error, lossy: false });
    expect(parseStripeHello(formatStripeHello(16))).toEqual({ most: 16, packetBytes: undefined });
    expect(parseStripeHello(formatStripeHello(1, 1500))).toEqual({ most: 1, packetBytes: 1500 });
    for (const p of [0, 575, 65_536, 1500.5, '"1500"', null]) expect(parseStripeHello(`{"n":2,"p":${p}}`)?.packetBytes).toBeUndefined();
  });

  it('is not taken for a greeting, nor a greeting for it', () => {
    expect(parseStripeHello(formatStripeSignal({ member: 'a1', knd: 'sdp_offer' }))).toBeUndefined();
    expect(parseStripeSignal(formatStripeHello(3))).toBeUndefined();
  });

  it.each([
    '{"m":"a0","k":"sdp_offer"}',
    '{"m":"b1","k":"sdp_offer"}',
    '{"m":"a1","k":"hl1_stripe"}',
    '{"m":"a1234567","k":"sdp_offer"}',
    '{"m":1,"k":"sdp_offer"}',
    '[]',
    'null',
    '"a1"',
    '{',
    '',
  ])('that is none is refused: %s', (tok) => {
    expect(parseStripeSignal(tok)).toBeUndefined();
    expect(parseStripeHello(tok)).toBeUndefined();
  });

  it('is refused when it is too long, and keeps no more of an error than is shown', () => {
    expect(parseStripeSignal(`{"m":"a1","k":"sdp_offer","t":"${'x'.repeat(3 * SIGNAL_LIMITS.maxTokenChars)}"}`)).toBeUndefined();
    expect(parseStripeSignal(`{"m":"a1","k":"webrtc_error","e":"${'x'.repeat(5000)}"}`)?.err).toHaveLength(SIGNAL_LIMITS.maxErrorChars);
  });

  it.each([0, -1, 1.5, 65, '"4"', 'null'])('greets with a sensible number, not %s', (n) => {
    expect(parseStripeHello(`{"n":${n}}`)).toBeUndefined();
  });
});

describe('a receipt', () => {
  const entry = fc.record({ id: fc.integer({ min: 0, max: 0xffff_ffff }), heardMessages: fc.maxSafeNat() });

  it('arrives as it was written', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 16 }), (entries) => {
        const read: typeof entries = [];
        expect(readReceipt(encodeReceipt(entries), (id, heardMessages) => void read.push({ id, heardMessages }))).toBe(true);
        expect(read).toEqual(entries);
      }),
    );
  });

  it('that is cut short or stuffed says nothing, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(), (junk, cut) => {
        const whole = encodeReceipt([{ id: 1, heardMessages: 5 }]);
        const read: number[] = [];
        readReceipt(junk, (id) => read.push(id));
        if (cut < whole.length) readReceipt(whole.subarray(0, cut), (id) => read.push(id));
        readReceipt(Uint8Array.of(...whole, 0), (id) => read.push(id));
        expect(read).toEqual([]);
      }),
    );
  });
});
