// Where the numbering toward an upstream peer goes on when a session is opened again. A Rust receiver counts each session from 1; a Go
// receiver counts each path on, over all sessions and for as long as it runs, and waits for ever for a number it thinks is missing
// (wire.md 12 row 15, defect G2). Invariant: a path's number never goes back while its receiver runs. Channel worker.

export class UpstreamNumbers {
  readonly #next: Map<string, number>;
  #path: string | undefined;
  #first = 1;

  /** @param known next numbers by path, from an earlier life of the channel */
  constructor(known: Iterable<readonly [string, number]> = []) {
    this.#next = new Map(known);
  }

  /** A session is there. @param countsOn its receiver counts the path on @returns the number of its first frame */
  begin(path: string, countsOn: boolean): number {
    this.#path = countsOn ? path : undefined;
    this.#first = countsOn ? (this.#next.get(path) ?? 1) : 1;
    return this.#first;
  }

  /** The session is over, or about to be. Calling it again changes nothing. @param nextSeq number its next frame would have had */
  end(nextSeq: number): void {
    if (this.#path !== undefined) this.#next.set(this.#path, Math.max(nextSeq, this.#next.get(this.#path) ?? 1));
    this.#path = undefined;
  }

  /** The receiver was started anew. */
  forget(): void {
    this.#path = undefined;
    for (const path of this.#next.keys()) this.#next.set(path, 1);
  }

  /** Nothing was sent on the present session yet. @param nextSeq number of the next frame */
  untouched(nextSeq: number): boolean {
    return nextSeq === this.#first;
  }

  /** Next numbers by path. */
  entries(): [string, number][] {
    return [...this.#next];
  }
}
