// The ACL of the relay: a tree of rule sets, replaced by upload and, with a data directory, kept in files that others may edit as well.
// Invariant: whoever opens, accepts, uploads or asks is judged by what the files say at that moment; data of running sessions by what they said at
// most one scan ago. A file that cannot be read locks its directory to its owner.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  ACL_FILE_NAME,
  type AccessLevel,
  AclTree,
  aclDirectoryOf,
  type GlobWork,
  PRIVATE_RULESET,
  type Ruleset,
} from '../../native-free/acl/index.js';
import { checkPath, ownerOf } from '../../native-free/path.js';
import type { Log } from '../options.js';
import { AclFiles, type AclFound } from './acl-files.js';
import { parseAclYaml } from './acl-yaml.js';
import type { RelayLimits } from './limits.js';

export type AclPut =
  | { readonly ok: true; readonly etag: string; readonly sizeBytes: number }
  | {
      readonly ok: false;
      readonly code: 'path' | 'denied' | 'content' | 'size' | 'limit' | 'io';
      readonly reason: string;
      readonly line?: number;
    };

/** Is told of every file found on disk, at start and when it was edited; null: it was removed. */
export type AclObserver = (key: string, content: Uint8Array | null, modifiedMs: number) => void;

type AclLimits = Pick<RelayLimits, 'maxAclFileBytes' | 'maxAclFilesPerUser' | 'maxAclFiles' | 'maxPathBytes'>;

/** The whole tree is looked at this often; a tree that takes long is given twenty times as long a rest. */
const SCAN_MS = 2000;
const REST_FACTOR = 20;

export class AclStore {
  readonly tree = new AclTree();
  private readonly files: AclFiles | undefined;
  private readonly limits: AclLimits;
  private readonly log: Log;
  private readonly setsPerOwner = new Map<string, number>();
  /** What the file of each rule set looked like when it was read. */
  private readonly stamps = new Map<string, string>();
  /** Where files lie that rule nothing; each is told of once. */
  private readonly foreign = new Set<string>();
  /** Looked at in this very turn: one Open asks for many users at once. */
  private lookedAt: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  /** Files whose last change could not be written: what the disk says of them is older than what is known. */
  private readonly unwritten = new Set<string>();
  private readonly observer: AclObserver;

  private constructor(files: AclFiles | undefined, limits: AclLimits, log: Log, observer: AclObserver) {
    this.observer = observer;
    this.files = files;
    this.limits = limits;
    this.log = log;
  }

  /**
   * @param dataDir see RelayOptions; created if it does not exist
   * @param limits larger files are refused, and treated as unreadable on disk
   */
  static async load(dataDir: string | undefined, limits: AclLimits, log: Log, observer: AclObserver = () => {}): Promise<AclStore> {
    const files = dataDir === undefined ? undefined : await AclFiles.open(join(dataDir, 'datasites'), limits.maxAclFileBytes);
    const store = new AclStore(files, limits, log, observer);
    await store.scan();
    return store;
  }

  /** Look at the files now and then, until {@link stop}. */
  watch(): void {
    if (this.files === undefined || this.stopped) return;
    const next = (restMs: number): void => {
      this.timer = setTimeout(async () => {
        const startedMs = performance.now();
        await this.scan();
        if (!this.stopped) next(Math.max(SCAN_MS, (performance.now() - startedMs) * REST_FACTOR));
      }, restMs).unref();
    };
    next(SCAN_MS);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** May this user do this, by the files as they are now? For what is rare; the tree itself answers for every message. */
  can(user: string, path: string, level: AccessLevel, shared?: GlobWork): boolean {
    this.refresh(path);
    return this.tree.can(user, path, level, shared);
  }

  /**
   * Replace one ACL file. Synchronous on purpose: the messages behind it on the same connection must already be judged by it, and it
   * is small and rare.
   * @param user who asks; must be the owner or an ACL admin
   * @param key datasite-relative path, ending in `/syft.pub.yaml`
   */
  put(user: string, key: string, content: Uint8Array): AclPut {
    const directory = aclDirectoryOf(key);
    const { maxAclFileBytes, maxAclFilesPerUser, maxAclFiles, maxPathBytes } = this.limits;
    if (directory === undefined || Buffer.byteLength(key) > maxPathBytes)
      return { ok: false, code: 'path', reason: `the key must be <email>/<dirs>/${ACL_FILE_NAME}, without dot segments` };
    if (!this.can(user, key, 'admin')) return { ok: false, code: 'denied', reason: `${user} is neither owner nor admin of ${directory}` };
    if (content.byteLength > maxAclFileBytes)
      return { ok: false, code: 'size', reason: `the file is larger than ${maxAclFileBytes} bytes` };
    const parsed = parseAclYaml(content);
    if (!parsed.ok)
      return { ok: false, code: 'content', reason: parsed.reason, ...(parsed.line === undefined ? {} : { line: parsed.line }) };
    const owner = ownerOf(directory);
    if (!this.tree.has(directory)) {
      if ((this.setsPerOwner.get(owner) ?? 0) >= maxAclFilesPerUser)
        return { ok: false, code: 'limit', reason: `${owner} has ${maxAclFilesPerUser} ACL files already` };
      if (this.tree.size >= maxAclFiles) return { ok: false, code: 'limit', reason: 'the relay has as many ACL files as it may have' };
    }
    try {
      this.files?.write(directory, content);
    } catch (error) {
      return { ok: false, code: 'io', reason: `the file could not be stored: ${error instanceof Error ? codeOf(error) : 'unknown error'}` };
    }
    this.unwritten.delete(directory);
    this.set(directory, parsed.ruleset);
    // The next look finds out what it looks like.
    this.stamps.set(directory, '');
    return { ok: true, etag: createHash('md5').update(content).digest('hex'), sizeBytes: content.byteLength };
  }

  /**
   * Take a file as another process of a cluster has it; whoever changed it was judged there. It counts at once, written or not.
   * @param content null: it was removed
   * @param modifiedMs when it was changed; the file is dated so
   */
  adopt(key: string, content: Uint8Array | null, modifiedMs: number): void {
    const directory = aclDirectoryOf(key);
    if (directory === undefined) return;
    const parsed = content === null ? undefined : parseAclYaml(content);
    if (parsed === undefined) this.remove(directory);
    else this.set(directory, parsed.ok ? parsed.ruleset : PRIVATE_RULESET);
    try {
      if (content === null) this.files?.remove(directory);
      else this.files?.write(directory, content, modifiedMs);
      this.unwritten.delete(directory);
      this.stamps.set(directory, '');
    } catch (error) {
      this.unwritten.add(directory);
      this.log.error({ key, reason: error instanceof Error ? codeOf(error) : 'unknown error' }, 'ACL file could not be stored');
    }
  }

  /** Take over what has changed in the files that decide about a path: a few system calls. */
  private refresh(path: string): void {
    if (this.files === undefined || checkPath(path) !== 'ok') return;
    if (path === this.lookedAt) return;
    this.lookedAt = path;
    queueMicrotask(() => {
      this.lookedAt = undefined;
    });
    let isThere = true;
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      const directory = path.slice(0, slash);
      isThere &&= this.files.isDirectory(directory);
      this.take(directory, isThere ? this.files.look(directory, this.stamps.get(directory)) : { kind: 'gone' });
    }
  }

  /** Look at every file there is, and at those there were. */
  private async scan(): Promise<void> {
    const { files } = this;
    if (files === undefined) return;
    const seen = new Set<string>();
    for await (const directory of files.directories()) {
      if (this.stopped) return;
      if (aclDirectoryOf(`${directory}/${ACL_FILE_NAME}`) === undefined) {
        if (!this.foreign.has(directory)) this.log.warn({ directory }, 'ACL file outside of any datasite, ignored');
        this.foreign.add(directory);
        continue;
      }
      seen.add(directory);
      this.take(directory, files.look(directory, this.stamps.get(directory)));
    }
    // An upload may have made one that the walk had passed already.
    for (const directory of [...this.stamps.keys()]) if (!seen.has(directory)) this.take(directory, this.lookBelow(files, directory));
  }

  /** As {@link AclFiles.look}, for a directory that may be gone or stand behind a link. */
  private lookBelow(files: AclFiles, directory: string): AclFound {
    const segments = directory.split('/');
    const isThere = segments.every((_, index) => files.isDirectory(segments.slice(0, index + 1).join('/')));
    return isThere ? files.look(directory, this.stamps.get(directory)) : { kind: 'gone' };
  }

  private take(directory: string, found: AclFound): void {
    if (found.kind === 'same' || this.unwritten.has(directory)) return;
    const key = `${directory}/${ACL_FILE_NAME}`;
    if (found.kind === 'gone') {
      if (!this.stamps.delete(directory)) return;
      if (this.tree.has(directory)) this.observer(key, null, Date.now());
      this.remove(directory);
      return;
    }
    const { parsed, stamp, content, modifiedMs } = found;
    if (content !== undefined) this.observer(key, content, modifiedMs);
    this.stamps.set(directory, stamp);
    if (!parsed.ok)
      this.log.warn(
        { directory, reason: parsed.reason, line: parsed.line },
        'ACL file cannot be used; only the owner has access until it is mended',
      );
    this.set(directory, parsed.ok ? parsed.ruleset : PRIVATE_RULESET);
  }

  private set(directory: string, ruleset: Ruleset): void {
    if (!this.tree.has(directory)) this.count(directory, 1);
    this.tree.set(directory, ruleset);
  }

  private remove(directory: string): void {
    if (this.tree.remove(directory)) this.count(directory, -1);
  }

  private count(directory: string, by: 1 | -1): void {
    const owner = ownerOf(directory);
    const count = (this.setsPerOwner.get(owner) ?? 0) + by;
    if (count > 0) this.setsPerOwner.set(owner, count);
    else this.setsPerOwner.delete(owner);
  }
}

/** The system's error code; its message would tell a client the directories of this machine. */
function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
