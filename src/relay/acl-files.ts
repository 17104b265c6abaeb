// ACL files on disk, below one root: written whole or not at all, and looked at again when they may have changed.
// Invariant: nothing outside of the root is read or written, whatever symbolic links somebody left there.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { ACL_FILE_NAME } from '../../native-free/acl/index.js';
import { type ParsedAcl, parseAclYaml } from './acl-yaml.js';

/** An edit of equal length within one tick of the file system's clock leaves no trace; a file that is younger is read again, ms. */
const TICK_MS = 50;

/** What one look found. */
export type AclFound =
  | { readonly kind: 'same' }
  | { readonly kind: 'gone' }
  | {
      readonly kind: 'file';
      readonly stamp: string;
      readonly parsed: ParsedAcl;
      /** undefined: it could not be read, or is too large. */
      readonly content?: Uint8Array;
      readonly modifiedMs: number;
    };

export class AclFiles {
  private readonly root: string;
  private readonly maxFileBytes: number;

  private constructor(root: string, maxFileBytes: number) {
    this.root = root;
    this.maxFileBytes = maxFileBytes;
  }

  /** @param root created if it does not exist */
  static async open(root: string, maxFileBytes: number): Promise<AclFiles> {
    await mkdir(root, { recursive: true });
    return new AclFiles(realpathSync(root), maxFileBytes);
  }

  /** @returns whether it is a directory itself, not a way to one */
  isDirectory(directory: string): boolean {
    return statOf(this.path(directory))?.isDirectory() ?? false;
  }

  /**
   * Look at the ACL file of a directory, which is one. Synchronous: whoever asks decides by it at once.
   * @param stamp of the last look, if there was one
   */
  look(directory: string, stamp: string | undefined): AclFound {
    const file = join(this.path(directory), ACL_FILE_NAME);
    const found = statOf(file);
    if (found === undefined || !found.isFile()) return { kind: 'gone' };
    const { ino, size, mtimeMs, ctimeMs } = found;
    const fresh = Date.now() - Math.max(mtimeMs, ctimeMs) < TICK_MS ? '' : `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
    if (fresh !== '' && fresh === stamp) return { kind: 'same' };
    return { kind: 'file', stamp: fresh, modifiedMs: mtimeMs, ...this.read(file, size) };
  }

  /**
   * Put a file in place of the one that is there; when it returns the new one is on the disk.
   * @param modifiedMs what it is dated, if not now
   * @throws Error of the file system
   */
  write(directory: string, content: Uint8Array, modifiedMs?: number): void {
    const place = this.path(directory);
    mkdirSync(place, { recursive: true });
    // The key itself cannot climb; a symbolic link somebody left in the data directory could.
    if (!`${realpathSync(place)}${sep}`.startsWith(`${this.root}${sep}`)) throw new Error('outside of the data directory');
    const temporary = join(place, `.${ACL_FILE_NAME}.${randomBytes(4).toString('hex')}`);
    try {
      const handle = openSync(temporary, 'wx', 0o640);
      try {
        for (let at = 0; at < content.byteLength; ) at += writeSync(handle, content, at);
        if (modifiedMs !== undefined) futimesSync(handle, modifiedMs / 1000, modifiedMs / 1000);
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(temporary, join(place, ACL_FILE_NAME));
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** Take a file away, if it is there. @throws Error of the file system */
  remove(directory: string): void {
    const place = this.path(directory);
    if (statOf(place) === undefined) return;
    if (!`${realpathSync(place)}${sep}`.startsWith(`${this.root}${sep}`)) throw new Error('outside of the data directory');
    rmSync(join(place, ACL_FILE_NAME), { force: true });
  }

  /** Every directory with an ACL file, without following links. */
  async *directories(): AsyncGenerator<string> {
    const waiting = [this.root];
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      // What goes away meanwhile is not there.
      const entries = await readdir(place, { withFileTypes: true }).catch(() => []);
      for (const entry of entries) {
        if (entry.isDirectory()) waiting.push(join(place, entry.name));
        else if (entry.isFile() && entry.name === ACL_FILE_NAME) yield relative(this.root, place).split(sep).join('/');
      }
    }
  }

  private path(directory: string): string {
    return join(this.root, ...directory.split('/'));
  }

  private read(file: string, sizeBytes: number): { parsed: ParsedAcl; content?: Uint8Array } {
    if (sizeBytes > this.maxFileBytes) return { parsed: { ok: false, reason: `larger than ${this.maxFileBytes} bytes` } };
    try {
      const content = readFileSync(file);
      return { parsed: parseAclYaml(content), content };
    } catch (error) {
      return { parsed: { ok: false, reason: error instanceof Error ? error.message : 'unreadable' } };
    }
  }
}

/** Where even that cannot be said, nothing is known to be there. */
function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
