// The few facts an exchange needs from a session description, and candidates put into one. Lines in, lines out; nothing is validated that
// the addon validates anyway. RFC 8866, RFC 8839; wire spec 5.3. Pure.

/** The value of the first `a=mid:` line, or "0", which is what every implementation of one data channel uses. */
export function firstMid(sdp: string): string {
  return attribute(sdp, 'mid') ?? '0';
}

/** The first `a=ice-ufrag:`, which names the connection attempt that a description belongs to. */
export function iceUfrag(sdp: string): string | undefined {
  return attribute(sdp, 'ice-ufrag');
}

/** All candidates of a description, in the form that {@link normaliseCandidate} gives. */
export function candidatesIn(sdp: string): string[] {
  return lines(sdp)
    .filter((line) => line.startsWith('a=candidate:'))
    .map((line) => line.slice(2).trim());
}

/** A candidate without `a=` and with `candidate:`, however the peer wrote it; `undefined` if it spans lines. */
export function normaliseCandidate(text: string): string | undefined {
  const trimmed = text.trim();
  const bare = trimmed.startsWith('a=') ? trimmed.slice(2) : trimmed;
  if (/[\r\n\0]/.test(bare)) return undefined;
  return bare.startsWith('candidate:') ? bare : `candidate:${bare}`;
}

/** The description with those candidates that it does not have yet. They go to its end: all sections share one transport. */
export function withCandidates(sdp: string, candidates: Iterable<string>): string {
  const known = new Set(candidatesIn(sdp));
  const added = [...candidates].filter((candidate) => !known.has(candidate));
  if (added.length === 0) return sdp;
  const end = lines(sdp).filter((line) => line !== '' && line !== 'a=end-of-candidates');
  return [...end, ...added.map((candidate) => `a=${candidate}`), ''].join('\r\n');
}

function attribute(sdp: string, name: string): string | undefined {
  const prefix = `a=${name}:`;
  const value = lines(sdp)
    .find((line) => line.startsWith(prefix))
    ?.slice(prefix.length)
    .trim();
  return value === '' ? undefined : value;
}

function lines(sdp: string): string[] {
  return sdp.split(/\r?\n/);
}
