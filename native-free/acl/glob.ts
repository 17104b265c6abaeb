// Glob patterns of ACL rules: `*`, `?`, `**`, `[a-z]`, `{a,b}` with the meaning of doublestar (wire §10.2).
// Invariant: matching takes time proportional to pattern times text; no regular expression is ever built from a pattern a user wrote.

/** Tells whether a text matches the pattern it was compiled from. */
export type Glob = (text: string) => boolean;

/** `{a,b}{c,d}` multiplies; more alternatives than this is a mistake or an attack. */
const MAX_ALTERNATIVES = 64;

type Token = { readonly kind: 'one'; readonly test: (char: string) => boolean } | { readonly kind: 'any-run' };
type Segment = { readonly kind: 'tokens'; readonly tokens: readonly Token[] } | { readonly kind: 'any-run' };

/**
 * Compile a glob. `*` and `?` stop at a slash, `**` as a whole segment stands for any number of segments, none included.
 * @returns undefined if the pattern is malformed (open bracket or brace, trailing backslash, too many alternatives)
 */
export function compileGlob(pattern: string): Glob | undefined {
  const plain = expandBraces(pattern);
  if (plain === undefined) return undefined;
  const alternatives: (readonly Segment[])[] = [];
  for (const one of plain) {
    const segments = compileSegments(one);
    if (segments === undefined) return undefined;
    alternatives.push(segments);
  }
  return (text) => {
    const parts = text.split('/');
    return alternatives.some((segments) => matchRun(segments, parts, matchSegment));
  };
}

/** Put a backslash before everything a glob would interpret. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\]{}\\,!]/g, '\\$&');
}

/** The classic wildcard walk, for segments of a path and for characters of a segment alike: only the last run is ever retried. */
function matchRun<P extends { readonly kind: string }, T>(
  pattern: readonly P[],
  items: readonly T[],
  matches: (p: P, item: T) => boolean,
): boolean {
  let p = 0;
  let i = 0;
  let runAt = -1;
  let runItem = 0;
  while (i < items.length) {
    const here = pattern[p];
    if (here !== undefined && here.kind === 'any-run') {
      runAt = p++;
      runItem = i;
    } else if (here !== undefined && matches(here, items[i] as T)) {
      p++;
      i++;
    } else if (runAt >= 0) {
      p = runAt + 1;
      i = ++runItem;
    } else {
      return false;
    }
  }
  while (pattern[p]?.kind === 'any-run') p++;
  return p === pattern.length;
}

function matchSegment(segment: Segment, text: string): boolean {
  return segment.kind === 'any-run' || matchRun(segment.tokens, [...text], (token, char) => token.kind === 'one' && token.test(char));
}

function compileSegments(pattern: string): Segment[] | undefined {
  const segments: Segment[] = [];
  for (const part of pattern.split('/')) {
    if (part === '**') {
      segments.push({ kind: 'any-run' });
      continue;
    }
    const tokens = compileTokens([...part]);
    if (tokens === undefined) return undefined;
    segments.push({ kind: 'tokens', tokens });
  }
  return segments;
}

function compileTokens(chars: readonly string[]): Token[] | undefined {
  const tokens: Token[] = [];
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] as string;
    if (char === '*') {
      if (tokens.at(-1)?.kind !== 'any-run') tokens.push({ kind: 'any-run' });
    } else if (char === '?') {
      tokens.push({ kind: 'one', test: () => true });
    } else if (char === '[') {
      const close = chars.indexOf(']', i + 2);
      const set = close < 0 ? undefined : compileClass(chars.slice(i + 1, close));
      if (set === undefined) return undefined;
      tokens.push({ kind: 'one', test: set });
      i = close;
    } else {
      const literal = char === '\\' ? chars[++i] : char;
      if (literal === undefined) return undefined;
      tokens.push({ kind: 'one', test: (other) => other === literal });
    }
  }
  return tokens;
}

function compileClass(body: readonly string[]): ((char: string) => boolean) | undefined {
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
  return (char) => ranges.some(([low, high]) => low <= char && char <= high) !== negated;
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
