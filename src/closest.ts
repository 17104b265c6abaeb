// What a misspelt name was probably meant to be. Pure.

/** Names written another way are the same: `chunk_bytes`, `chunk-bytes`, `chunk`. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_]|bytes$|ms$/g, '');

/**
 * @returns the one of `names` that `name` was meant to be: the same but for how it is written, or one letter off, or two where it has six or more; the first of those that are
 * as near. Undefined when none is
 */
export function closest(name: string, names: readonly string[]): string | undefined {
  const [written, meant] = [name.toLowerCase(), plain(name)];
  let best: string | undefined;
  let leastEdits = Math.min(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const edits = Math.min(editsBetween(meant, plain(candidate), leastEdits), editsBetween(written, candidate.toLowerCase(), leastEdits));
    if (edits >= leastEdits) continue;
    leastEdits = edits;
    best = candidate;
  }
  return best;
}

/** Letters to insert, leave out, replace, or swap with their neighbour (optimal string alignment); `enough` when their lengths alone say that it is so many. */
function editsBetween(a: string, b: string, enough: number): number {
  if (Math.abs(a.length - b.length) >= enough) return enough;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] as number) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min((above[j] as number) + 1, (row[j - 1] as number) + 1, (above[j - 1] as number) + same, swapped));
    }
    before = above;
    above = row;
  }
  return above[b.length] as number;
}
