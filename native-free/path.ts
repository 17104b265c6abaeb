// Datasite paths: `owner@host/dir/.../file`, forward slashes, first segment an e-mail (wire §0.4).
// Invariant: a path that got 'ok' can be split at '/' and joined under a root directory without leaving it (wire §13.3, defect R9).

/** What {@link checkPath} found. 'empty' also covers an empty segment (`a//b`, a trailing slash). */
export type PathVerdict = ReturnType<typeof checkPath>;

/** The longest path in UTF-8 bytes; a HLNK frame with a longer one is noise (wire §3.2). */
const MAX_PATH_BYTES = 4096;

/** Every path that ends so is a TCP channel (wire §2.3). */
export const TCP_REQUEST_SUFFIX = '/stream.tcp.request';

/** The longest e-mail address a mail system accepts (RFC 5321 §4.5.3.1.3). */
const MAX_EMAIL_CHARS = 254;

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
// Legal in an RFC 5322 atom or quoted string, deadly in a directory name or a log line: an e-mail is also the first path segment.
const EMAIL_REFUSED = /[\p{Cc}/\\]/u;

const encoder = new TextEncoder();

/** Whether a peer may name this datasite-relative path. */
export function checkPath(path: string): 'ok' | 'empty' | 'absolute' | 'dot-segment' | 'backslash' | 'nul' | 'not-an-email' | 'too-long' {
  if (path === '') return 'empty';
  // A UTF-16 unit is at most three bytes of UTF-8, so most paths need no encoding to be measured.
  if (path.length > MAX_PATH_BYTES || (path.length * 3 > MAX_PATH_BYTES && encoder.encode(path).length > MAX_PATH_BYTES)) return 'too-long';
  if (path.includes('\0')) return 'nul';
  if (path.includes('\\')) return 'backslash';
  if (path.startsWith('/')) return 'absolute';
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '') return 'empty';
    if (segment === '.' || segment === '..') return 'dot-segment';
  }
  return isEmail(segments[0] as string) ? 'ok' : 'not-an-email';
}

/** Does the path name a TCP channel? */
export function isTcpPath(path: string): boolean {
  return path.endsWith(TCP_REQUEST_SUFFIX);
}

/** Whether this is an identity: an e-mail address that can be the name of a directory. */
export function isEmail(text: string): boolean {
  return text.length <= MAX_EMAIL_CHARS && EMAIL.test(text) && !EMAIL_REFUSED.test(text);
}

/** Everything before the last slash; empty for a single segment. Upstream keys sessions by it (wire §2.4). */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** The first segment: the e-mail of the datasite's owner. */
export function ownerOf(path: string): string {
  const slash = path.indexOf('/');
  return slash < 0 ? path : path.slice(0, slash);
}
