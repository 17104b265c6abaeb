import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPath, directoryOf, isEmail, isTcpPath, ownerOf } from '../../native-free/path.js';

describe('a path a peer may name', () => {
  it.each([
    ['a@x.io/_mpc/0_to_1/stream.tcp.request', 'ok'],
    ['a@x.io', 'ok'],
    ['ä@x.io/ünï/..hidden/a..b', 'ok'],
    ['', 'empty'],
    ['a@x.io//etc', 'empty'],
    ['a@x.io/dir/', 'empty'],
    ['/etc/passwd', 'absolute'],
    ['/a@x.io/f', 'absolute'],
    ['a@x.io/../b@x.io/f', 'dot-segment'],
    ['a@x.io/./f', 'dot-segment'],
    ['..', 'dot-segment'],
    ['a@x.io\\..\\f', 'backslash'],
    ['a@x.io/f\0.yaml', 'nul'],
    ['not-an-email/f', 'not-an-email'],
    ['a@x/f', 'not-an-email'],
    ['a b@x.io/f', 'not-an-email'],
  ])('%j is %s', (path, verdict) => {
    expect(checkPath(path)).toBe(verdict);
  });

  it('is measured in UTF-8 bytes', () => {
    const owner = 'a@x.io/';
    expect(checkPath(owner + 'f'.repeat(4096 - owner.length))).toBe('ok');
    expect(checkPath(owner + 'f'.repeat(4097 - owner.length))).toBe('too-long');
    expect(checkPath(`${owner}${'€'.repeat(1363)}`)).toBe('ok');
    expect(checkPath(`${owner}${'€'.repeat(1364)}`)).toBe('too-long');
  });

  it('never leaves the directory it is joined to', () => {
    const part = fc.constantFrom('..', '.', '/', '\\', 'a@x.io', 'b', '\0', '//');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const path = parts.join('/');
        if (checkPath(path) !== 'ok') return;
        expect(new URL(path, 'http://h/root/').pathname.startsWith('/root/a@x.io')).toBe(true);
      }),
    );
  });
});

describe('an identity', () => {
  it.each(['a@x.io', 'alice@example.com', 'a+b@sub.x.io', "o'neil@x.io"])('%s is one', (email) => {
    expect(isEmail(email)).toBe(true);
  });
  it.each(['', 'a', 'a@x', '@x.io', 'a@@x.io', 'a @x.io', 'a@x.io\n', '../a@x.io', 'a\\b@x.io', 'a\u0007@x.io', `${'a'.repeat(250)}@x.io`])(
    '%j is none',
    (email) => {
      expect(isEmail(email)).toBe(false);
    },
  );
});

it('takes a path apart', () => {
  expect(directoryOf('a@x.io/d/f')).toBe('a@x.io/d');
  expect(directoryOf('a@x.io')).toBe('');
  expect(ownerOf('a@x.io/d/f')).toBe('a@x.io');
  expect(ownerOf('a@x.io')).toBe('a@x.io');
  expect(isTcpPath('a@x.io/d/stream.tcp.request')).toBe(true);
  expect(isTcpPath('a@x.io/d/xstream.tcp.request')).toBe(false);
});
