// A small file that is read at the start and again whenever it changes: secrets, tokens, certificates. Looked at now and then instead of by
// inotify, which misses renames of the directories above, as orchestrators rotate secrets.
// Invariant: what is in force is the last content that could be used.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { HotlinkError } from '../../native-free/errors.js';

/** Files that are used as one: a certificate and its key are replaced one after the other. */
export class WatchedFiles<T> {
  private readonly paths: readonly string[];
  private readonly parse: (contents: readonly Buffer[]) => T;
  private seen = '';
  private current: T | undefined;

  private constructor(paths: readonly string[], parse: (contents: readonly Buffer[]) => T) {
    this.paths = paths;
    this.parse = parse;
  }

  /**
   * @param parse throws for contents that cannot be used, with a message that holds nothing of them
   * @throws HotlinkError ERR_HLNK_CONFIG when the files cannot be read or used
   */
  static async open<T>(paths: readonly string[], parse: (contents: readonly Buffer[]) => T): Promise<WatchedFiles<T>> {
    const files = new WatchedFiles(paths, parse);
    const problem = (await files.look()).problem;
    if (problem !== undefined) throw new HotlinkError('ERR_HLNK_CONFIG', problem);
    return files;
  }

  get value(): T {
    return this.current as T;
  }

  /** @returns whether something else is in force now, or why what is there now cannot be; each such content is told of once */
  async look(): Promise<{ readonly changed: boolean; readonly problem?: string }> {
    let contents: Buffer[];
    try {
      contents = await Promise.all(this.paths.map((path) => readFile(path)));
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      return this.fresh(`${code} ${path}`)
        ? { changed: false, problem: `${path ?? this.paths[0]} cannot be read (${code})` }
        : { changed: false };
    }
    const hash = createHash('sha256');
    for (const content of contents) hash.update(createHash('sha256').update(content).digest());
    if (!this.fresh(hash.digest('hex'))) return { changed: false };
    try {
      this.current = this.parse(contents);
      return { changed: true };
    } catch (error) {
      return { changed: false, problem: `${this.paths.join(' and ')}: ${(error as Error).message}` };
    }
  }

  private fresh(stamp: string): boolean {
    const isFresh = stamp !== this.seen;
    this.seen = stamp;
    return isFresh;
  }
}
