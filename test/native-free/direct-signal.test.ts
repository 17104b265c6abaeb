import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DirectSignal, parseAddress, readDirectSignal, writeDirectSignal } from '../../native-free/index.js';

const TOKEN = '0123456789abcdef0123456789abcdef';
const OTHER = 'fedcba9876543210fedcba9876543210';
const PRINT = 'ab'.repeat(32);

const read = (signal: DirectSignal): DirectSignal | undefined => {
  const { tok, adr, err } = writeDirectSignal(signal);
  return readDirectSignal(tok, adr, err);
};

describe('what two sides say of their direct lanes', () => {
  it('reads what it writes', () => {
    const party = { token: TOKEN, fingerprint: PRINT, addresses: ['10.0.0.1:4000', '[2001:db8::1]:4000'] };
    for (const signal of [
      { kind: 'offer', party },
      { kind: 'answer', party, re: OTHER },
      { kind: 'offer', party: { ...party, addresses: [] } },
      { kind: 'off', reason: 'switched off' },
    ] satisfies DirectSignal[])
      expect(read(signal)).toEqual(signal);
  });

  it('refuses everything that is not one of ours', () => {
    for (const tok of [
      undefined,
      '',
      'offer',
      `offer.${TOKEN}`,
      `offer.${TOKEN}.${PRINT}.${OTHER}`,
      `answer.${TOKEN}.${PRINT}`,
      `answer.${TOKEN}.${PRINT}.`,
      `offer.${TOKEN.toUpperCase()}.${PRINT}`,
      `offer.${TOKEN}.${PRINT}\n`,
    ])
      expect(readDirectSignal(tok, [], undefined)).toBeUndefined();
  });

  it('passes over addresses that cannot be dialled, and over more than eight', () => {
    const tok = `offer.${TOKEN}.${PRINT}`;
    const bad = [
      '',
      'example.com:80',
      '1.2.3.4',
      '1.2.3.4:0',
      '1.2.3.4:65536',
      '256.1.1.1:5',
      '::1:80',
      '[1.2.3.4]:80',
      '[fe80::1%eth0]:80',
    ];
    for (const address of bad) expect(parseAddress(address)).toBeUndefined();
    const many = Array.from({ length: 20 }, (_, i) => `10.0.0.${i}:1`);
    expect(readDirectSignal(tok, ['nonsense', ...many], undefined)).toMatchObject({ party: { addresses: many.slice(0, 7) } });
  });

  it('never throws, whatever a peer wrote', () => {
    const word = fc.option(fc.string(), { nil: undefined });
    fc.assert(
      fc.property(
        word,
        fc.option(fc.array(fc.string()), { nil: undefined }),
        word,
        (tok, adr, err) => void readDirectSignal(tok, adr, err),
      ),
    );
  });
});
