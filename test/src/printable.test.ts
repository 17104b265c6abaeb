// What peers say on its way to somebody's terminal.
import { expect, it } from 'vitest';
import { parsePrintable, printable } from '../../src/admin/printable.js';

it('keeps words and takes the escape out of escape sequences', () => {
  expect(printable('grüße, 世界 – ok')).toBe('grüße, 世界 – ok');
  expect(printable('a\u001b]0;owned\u0007b\u009b2J\u007f')).toBe('a?]0;owned?b?2J?');
  expect(printable('two\r\nlines')).toBe('two lines');
  expect(printable('moc.\u202elive')).toBe('moc.?live');
});

it('does so in every text of an answer', () => {
  const answer = JSON.stringify({ channels: [{ reason: '\u001b[2J', n: 1 }], ok: true });
  expect(parsePrintable(answer)).toEqual({ channels: [{ reason: '?[2J', n: 1 }], ok: true });
});
