// Message ids tell which program a peer runs. wire.md §2.1.
import { describe, expect, it } from 'vitest';
import { fingerprint, OWN_ID_PREFIX, ownId, ownIdStem, PLAIN_ID_PREFIX } from '../../native-free/envelope/index.js';

describe('message ids', () => {
  it('ours are recognised, with host and instance', () => {
    const stem = ownIdStem('00c0ffee', '12345678');
    expect(ownId(stem, 0xabc)).toBe('hl1-00c0ffee-12345678-00000abc');
    expect(ownId(stem, 0xffff_ffff)).toBe('hl1-00c0ffee-12345678-ffffffff');
    expect(ownId(stem, 0).startsWith(OWN_ID_PREFIX)).toBe(true);
    expect(fingerprint(ownId(stem, 7))).toEqual({ kind: 'hotlink', host: '00c0ffee', instance: '12345678' });
  });

  it('six hex digits are Go, a UUID is Rust', () => {
    expect(fingerprint('a1b2c3')).toEqual({ kind: 'go' });
    expect(fingerprint('11111111-2222-4333-8444-555555555555')).toEqual({ kind: 'rust' });
  });

  it('one that wants to be treated as an upstream peer names its machine and nothing else', () => {
    const stem = ownIdStem('00c0ffee', '12345678', false);
    expect(ownId(stem, 1).startsWith(PLAIN_ID_PREFIX)).toBe(true);
    expect(fingerprint(ownId(stem, 1))).toEqual({ kind: 'unknown', host: '00c0ffee' });
  });

  it('ours are nobody we know for one that wants to know none', () => {
    const id = ownId(ownIdStem('00c0ffee', '12345678'), 1);
    expect(fingerprint(id, false)).toEqual({ kind: 'unknown', host: '00c0ffee' });
    expect(fingerprint('a1b2c3', false)).toEqual({ kind: 'go' });
  });

  it('anything else is nobody we know', () => {
    const strangers = [
      '',
      'A1B2C3',
      'a1b2c',
      'a1b2c3\n',
      'hl1-',
      'hl1-00c0ffee-12345678-00000abc0',
      'hl2-00c0ffee-12345678-00000abc',
      'x'.repeat(36),
    ];
    for (const id of strangers) expect(fingerprint(id)).toEqual({ kind: 'unknown' });
  });

  it('a host or instance that would make ids nobody recognises is refused', () => {
    expect(() => ownIdStem('C0FFEE00', '12345678')).toThrow(expect.objectContaining({ code: 'ERR_HLNK_INTERNAL' }));
    expect(() => ownIdStem('00c0ffee', '1234')).toThrow(expect.objectContaining({ code: 'ERR_HLNK_INTERNAL' }));
  });
});
