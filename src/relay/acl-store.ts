// The ACL files of the relay: loaded from `{dataDir}/datasites` at start, replaced by upload, kept on disk if there is a directory.
// Invariant: what the tree decides by is what the file on disk says; a file that cannot be read locks its directory to its owner.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, realpathSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { parseDocument } from 'yaml';
import { ACL_FILE_NAME, AclTree, aclDirectoryOf, PRIVATE_RULESET, parseAclFile, type Ruleset } from '../../native-free/acl/index.js';
import { ownerOf } from '../../native-free/path.js';
import type { Log } from '../options.js';
import type { RelayLimits } from './limits.js';

export type AclPut =
  | { readonly ok: true; readonly etag: string; readonly sizeBytes: number }
  | {
      readonly ok: false;
      readonly code: 'path' | 'denied' | 'content' | 'size' | 'limit' | 'io';
      readonly reason: string;
      readonly line?: number;
    };

/** Is told of every file that is on disk at start, as it is there. */
export interface AclObserver {
  loaded(key: string, content: Uint8Array, modifiedMs: number): void;
}

type AclLimits = Pick<RelayLimits, 'maxAclFileBytes' | 'maxAclFilesPerUser' | 'maxAclFiles' | 'maxPathBytes'>;

/** Aliases let a kilobyte of YAML unfold into gigabytes; an ACL file needs none. */
const MAX_ALIASES = 100;

export class AclStore {
  readonly tree = new AclTree();
  private readonly root: string | undefined;
  private readonly limits: AclLimits;
  private readonly setsPerOwner = new Map<string, number>();

  private constructor(root: string | undefined, limits: AclLimits) {
    this.root = root;
    this.limits = limits;
  }

  /**
   * @param dataDir see RelayOptions; created if it does not exist
   * @param limits larger files are refused, and treated as unreadable at start
   */
  static async load(dataDir: string | undefined, limits: AclLimits, log: Log, observer?: AclObserver): Promise<AclStore> {
    if (dataDir === undefined) return new AclStore(undefined, limits);
    const root = join(dataDir, 'datasites');
    await mkdir(root, { recursive: true });
    const store = new AclStore(realpathSync(root), limits);
    await store.loadAll(log, observer);
    return store;
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
    if (!this.tree.can(user, key, 'admin'))
      return { ok: false, code: 'denied', reason: `${user} is neither owner nor admin of ${directory}` };
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
      this.persist(key, content);
    } catch (error) {
      return { ok: false, code: 'io', reason: `the file could not be stored: ${error instanceof Error ? codeOf(error) : 'unknown error'}` };
    }
    this.set(directory, parsed.ruleset);
    return { ok: true, etag: createHash('md5').update(content).digest('hex'), sizeBytes: content.byteLength };
  }

  /**
   * Take a file as another process of the cluster has it; whoever changed it was judged there. Decided by at once, whatever the disk says.
   * @param content null: it was removed
   * @param modifiedMs when it was changed; the file on disk is dated so
   */
  take(key: string, content: Uint8Array | null, modifiedMs: number, log: Log): void {
    const directory = aclDirectoryOf(key);
    if (directory === undefined) return;
    if (content === null) this.unset(directory);
    else {
      const parsed = parseAclYaml(content);
      this.set(directory, parsed.ok ? parsed.ruleset : PRIVATE_RULESET);
    }
    try {
      this.persist(key, content, modifiedMs);
    } catch (error) {
      log.error({ key, error: error instanceof Error ? codeOf(error) : 'unknown error' }, 'ACL file could not be stored');
    }
  }

  private unset(directory: string): void {
    if (!this.tree.remove(directory)) return;
    const owner = ownerOf(directory);
    const count = (this.setsPerOwner.get(owner) ?? 1) - 1;
    if (count > 0) this.setsPerOwner.set(owner, count);
    else this.setsPerOwner.delete(owner);
  }

  private set(directory: string, ruleset: Ruleset): void {
    const owner = ownerOf(directory);
    if (!this.tree.has(directory)) this.setsPerOwner.set(owner, (this.setsPerOwner.get(owner) ?? 0) + 1);
    this.tree.set(directory, ruleset);
  }

  private persist(key: string, content: Uint8Array | null, modifiedMs?: number): void {
    if (this.root === undefined) return;
    const file = join(this.root, ...key.split('/'));
    const directory = join(file, '..');
    mkdirSync(directory, { recursive: true });
    // The key itself cannot climb; a symbolic link somebody left in the data directory could.
    if (!`${realpathSync(directory)}${sep}`.startsWith(`${this.root}${sep}`)) throw new Error('outside of the data directory');
    if (content === null) {
      rmSync(file, { force: true });
      return;
    }
    const temporary = join(directory, `.${ACL_FILE_NAME}.${randomBytes(4).toString('hex')}`);
    try {
      writeFileSync(temporary, content);
      if (modifiedMs !== undefined) utimesSync(temporary, modifiedMs / 1000, modifiedMs / 1000);
      renameSync(temporary, file);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  private async loadAll(log: Log, observer: AclObserver | undefined): Promise<void> {
    const root = this.root as string;
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.name !== ACL_FILE_NAME) continue;
      const file = join(entry.parentPath, entry.name);
      const directory = aclDirectoryOf(relative(root, file).split(sep).join('/'));
      if (directory === undefined) {
        log.warn({ file }, 'ACL file outside of any datasite, ignored');
        continue;
      }
      const parsed = await readAclFile(file, this.limits.maxAclFileBytes);
      if (parsed.ok) observer?.loaded(`${directory}/${ACL_FILE_NAME}`, parsed.content, parsed.modifiedMs);
      if (!parsed.ok)
        log.warn(
          {
            file,
            reason: parsed.reason,
            line: parsed.line,
          },
          'ACL file cannot be used; only the owner has access until it is mended',
        );
      this.set(directory, parsed.ok ? parsed.ruleset : PRIVATE_RULESET);
    }
  }
}

type ParsedAcl = { readonly ok: true; readonly ruleset: Ruleset } | { readonly ok: false; readonly reason: string; readonly line?: number };

/** YAML text to rule set; the line is given where the YAML itself is at fault. */
export function parseAclYaml(content: Uint8Array): ParsedAcl {
  try {
    const document = parseDocument(new TextDecoder('utf-8', { fatal: true }).decode(content));
    const fault = document.errors[0];
    if (fault !== undefined) {
      const line = fault.linePos?.[0].line;
      const reason = fault.message.split('\n')[0] as string;
      return { ok: false, reason: `not valid YAML: ${reason}`, ...(line === undefined ? {} : { line }) };
    }
    return parseAclFile(document.toJS({ maxAliasCount: MAX_ALIASES }));
  } catch (error) {
    return { ok: false, reason: `not valid YAML: ${error instanceof Error ? error.message : 'unreadable'}` };
  }
}

type ReadAcl = (ParsedAcl & { ok: true; content: Uint8Array; modifiedMs: number }) | (ParsedAcl & { ok: false });

async function readAclFile(file: string, maxFileBytes: number): Promise<ReadAcl> {
  try {
    const { size, mtimeMs } = await stat(file);
    if (size > maxFileBytes) return { ok: false, reason: `larger than ${maxFileBytes} bytes` };
    const content = await readFile(file);
    const parsed = parseAclYaml(content);
    return parsed.ok ? { ...parsed, content, modifiedMs: mtimeMs } : parsed;
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : 'unreadable' };
  }
}

/** The system's error code; its message would tell a client the directories of this machine. */
function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
