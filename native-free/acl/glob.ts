// Glob patterns of ACL rules: `*`, `?`, `**`, `[a-z]`, `{a,b}` with the meaning of doublestar (wire §10.2).
// Invariant: matching takes time proportional to pattern times text, and no more steps than it is given; no regular expression is ever
// built from a pattern a user wrote.

/**
 * Tells whether a text matches the pattern it was compiled from.
 * @param work what may be spent on the answer; when nothing is left, the answer is no and means nothing
 */
export type Glob = (text: string, work?: GlobWork) => boolean;

/** What a caller is ready to spend on patterns that somebody else wrote. */
export interface GlobWork {
  /** Each compares one character or tries one place; below zero nothing is left. */
  stepsLeft: number;
}

/** `{a,b}{c,d}` multiplies; more alternatives than this is a mistake or an attack. */
const MAX_ALTERNATIVES = 64;
/** The longest pattern, and what it may come to with its braces written out, in characters: what a pattern costs in memory. */
const MAX_PATTERN_CHARS = 4096;
const MAX_EXPANDED_CHARS = 16_384;

/** A run of anything: `*` among characters, `**` among segments. */
const ANY_RUN = null;
/** A character for itself (shared by the engine, so that a long pattern costs little), or a class. */
type Token = string | CharClass | typeof ANY_RUN;
interface CharClass {
  readonly ranges: readonly (readonly [string, string])[];
  readonly negated: boolean;
}
type Segment = readonly Token[] | typeof ANY_RUN;

/**
 * Compile a glob. `*` and `?` stop at a slash, `**` as a whole segment stands for any number of segments, none included.
 * @param work what compiling may still spend, a step per character with the braces written out
 * @returns undefined if the pattern is malformed (open bracket or brace, trailing backslash, too many alternatives, too long)
 */
export function compileGlob(pattern: string, work?: GlobWork): Glob | undefined {
  if (pattern.length > MAX_PATTERN_CHARS) return undefined;
  const plain = expandBraces(pattern);
  const expandedChars = plain?.reduce((sum, { length }) => sum + length, 0) ?? 0;
  if (plain === undefined || expandedChars > MAX_EXPANDED_CHARS) return undefined;
  if (work !== undefined) {
    work.stepsLeft -= expandedChars;
    if (work.stepsLeft < 0) return undefined;
  }
  const alternatives: (readonly Segment[])[] = [];
  for (const one of plain) {
    const segments = compileSegments(one);
    if (segments === undefined) return undefined;
    alternatives.push(segments);
  }
  return (text, work = { stepsLeft: Number.POSITIVE_INFINITY }) => {
    const parts = text.split('/');
    return alternatives.some((segments) => matchRun(segments, parts, matchSegment, work));
  };
}

/** Put a backslash before everything a glob would interpret. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\]{}\\,!]/g, '\\$&');
}

/** The classic wildcard walk, for segments of a path and for characters of a segment alike: only the last run is ever retried. */
function matchRun<P, T>(
  pattern: readonly (P | typeof ANY_RUN)[],
  items: readonly T[],
  matches: (p: P, item: T, work: GlobWork) => boolean,
  work: GlobWork,
): boolean {
  let p = 0;
  let i = 0;
  let runAt = -1;
  let runItem = 0;
  while (i < items.length) {
    work.stepsLeft -= 1;
    if (work.stepsLeft < 0) return false;
    const here = pattern[p];
    if (here === ANY_RUN) {
      runAt = p++;
      runItem = i;
    } else if (here !== undefined && matches(here, items[i] as T, work)) {
      p++;
      i++;
    } else if (runAt >= 0) {
      p = runAt + 1;
      i = ++runItem;
    } else {
      return false;
    }
  }
  while (pattern[p] === ANY_RUN) p++;
  return p === pattern.length;
}

function matchSegment(segment: readonly Token[], text: string, work: GlobWork): boolean {
  work.stepsLeft -= text.length;
  return matchRun(segment, [...text], matchToken, work);
}

function matchToken(token: string | CharClass, char: string, work: GlobWork): boolean {
  if (typeof token === 'string') return token === char;
  work.stepsLeft -= token.ranges.length;
  return token.ranges.some(([low, high]) => low <= char && char <= high) !== token.negated;
}

/** `?`: everything but nothing. */
const ANY_CHAR: CharClass = { ranges: [], negated: true };

function compileSegments(pattern: string): Segment[] | undefined {
  const segments: Segment[] = [];
  for (const part of pattern.split('/')) {
    if (part === '**') {
      segments.push(ANY_RUN);
      continue;
    }
    const tokens = compileTokens([...part]);
    if (tokens === undefined) return undefined;
    segments.push(tokens);
  }
  return segments;
}

function compileTokens(chars: readonly string[]): Token[] | undefined {
  const tokens: Token[] = [];
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] as string;
    if (char === '*') {
      if (tokens.at(-1) !== ANY_RUN) tokens.push(ANY_RUN);
    } else if (char === '?') {
      tokens.push(ANY_CHAR);
    } else if (char === '[') {
      const close = chars.indexOf(']', i + 2);
      const set = close < 0 ? undefined : compileClass(chars.slice(i + 1, close));
      if (set === undefined) return undefined;
      tokens.push(set);
      i = close;
    } else {
      const literal = char === '\\' ? chars[++i] : char;
      if (literal === undefined) return undefined;
      tokens.push(literal);
    }
  }
  return tokens;
}

function compileClass(body: readonly string[]): CharClass | undefined {
  const negated = body[0] === '!' || body[0] === '^';
  const chars = negated ? body.slice(1) : body;
  if (chars.length === 0) return undefined;
  const ranges: [string, string][] = [];
  for (let i = 0; i < chars.length; i++) {
    const low = chars[i] as string;
    const high = chars[i + 1] === '-' ? chars[i + 2] : undefined;
    ranges.push([low, high ?? low]);
    if (high !== undefined) i += 2;
  }
  return { ranges, negated };
}

/** Turn `a{b,c}d` into `abd` and `acd`. */
function expandBraces(pattern: string): string[] | undefined {
  const open = findUnescaped(pattern, 0, '{');
  if (open < 0) return [pattern];
  const parts: string[] = [];
  let depth = 0;
  let start = open + 1;
  for (let i = open; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '\\') i++;
    else if (char === '{') depth++;
    else if (char === ',' && depth === 1) {
      parts.push(pattern.slice(start, i));
      start = i + 1;
    } else if (char === '}' && --depth === 0) {
      parts.push(pattern.slice(start, i));
      const out: string[] = [];
      for (const part of parts) {
        const expanded = expandBraces(pattern.slice(0, open) + part + pattern.slice(i + 1));
        if (expanded === undefined || out.length + expanded.length > MAX_ALTERNATIVES) return undefined;
        out.push(...expanded);
      }
      return out;
    }
  }
  return undefined;
}

function findUnescaped(text: string, from: number, wanted: string): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === wanted) return i;
  }
  return -1;
}
