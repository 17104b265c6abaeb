// Who may do what where: rule sets by directory, and the decision (wire §10.2).
// Invariant: the owner of a path always may, nobody else without a rule that says so. Memory: the rule sets plus a bounded decision cache.
import { checkPath, directoryOf, ownerOf } from '../path.js';
import type { GlobWork } from './glob.js';
import { ACL_FILE_NAME, type AccessLevel, type Ruleset } from './ruleset.js';

/** Decisions kept; a key is at most a path and an e-mail, so about 9 MiB if every path is of the greatest length. */
const MAX_CACHED_DECISIONS = 2048;
/**
 * What one decision may cost: some 10 ms. A thousand plain rules against a long path take a tenth of it; patterns written to be slow, which any
 * user may upload for their own paths, would otherwise hold everybody's messages up for seconds.
 */
const MAX_STEPS_PER_DECISION = 1_000_000;

/** The rule sets of many directories, and the decision by them. The owner of a path always may. */
export class AclTree {
  private readonly rulesets = new Map<string, Ruleset>();
  private readonly decisions = new Map<string, boolean>();
  private changes = 0;

  /** Counts every change, so that a caller can keep a decision until it moves. */
  get version(): number {
    return this.changes;
  }

  /** How many rule sets there are. */
  get size(): number {
    return this.rulesets.size;
  }

  /** Puts a rule set in place of whatever its directory (datasite-relative, as `a@x.io/app_data/t`) had. */
  set(directory: string, ruleset: Ruleset): void {
    this.rulesets.set(directory, ruleset);
    this.forget();
  }

  /** Takes a directory's rule set away; its nearest ancestor's applies from then on. */
  remove(directory: string): boolean {
    const existed = this.rulesets.delete(directory);
    if (existed) this.forget();
    return existed;
  }

  /** Whether the directory has a rule set of its own. */
  has(directory: string): boolean {
    return this.rulesets.has(directory);
  }

  /**
   * Whether the user may do this to a file; an ACL file itself takes `admin`. `shared` bounds the cost of several decisions together.
   * @remarks Nothing a peer can name throws; a path that {@link checkPath} refuses is denied to everybody. When none of the shared steps is left:
   * denied, and not kept as the answer.
   */
  can(user: string, path: string, level: 'read' | 'create' | 'write' | 'admin', shared?: { stepsLeft: number }): boolean {
    const key = `${level}\n${user}\n${path}`;
    const known = this.decisions.get(key);
    if (known !== undefined) return known;
    if (shared !== undefined && shared.stepsLeft < 0) return false;
    const decision = this.decide(user, path, level, shared);
    if (this.decisions.size >= MAX_CACHED_DECISIONS) {
      for (const oldest of this.decisions.keys()) {
        this.decisions.delete(oldest);
        break;
      }
    }
    this.decisions.set(key, decision);
    return decision;
  }

  private decide(user: string, path: string, level: AccessLevel, shared: GlobWork | undefined): boolean {
    if (checkPath(path) !== 'ok') return false;
    // Whole segment, not prefix: user `a@x.co` does not own `a@x.com/...` (defect S10).
    if (ownerOf(path) === user) return true;
    const isAclFile = path.endsWith(`/${ACL_FILE_NAME}`);
    const wanted = isAclFile && level !== 'read' ? 'admin' : level;
    const directory = this.nearest(path);
    if (directory === undefined) return false;
    const relPath = path.slice(directory.length + 1);
    const work = { stepsLeft: MAX_STEPS_PER_DECISION };
    const rule = this.rulesets.get(directory)?.rules.find((candidate) => candidate.matches(relPath, user, work));
    const granted = rule?.grants(user, wanted, work) ?? false;
    if (shared !== undefined) shared.stepsLeft -= MAX_STEPS_PER_DECISION - work.stepsLeft;
    // What could not be looked at to its end may have been a refusal.
    return granted && work.stepsLeft >= 0;
  }

  /** The deepest directory with a rule set on the way down to the path; a terminal one ends the way. */
  private nearest(path: string): string | undefined {
    let found: string | undefined;
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      const directory = path.slice(0, slash);
      const ruleset = this.rulesets.get(directory);
      if (ruleset === undefined) continue;
      found = directory;
      if (ruleset.terminal) break;
    }
    return found;
  }

  private forget(): void {
    this.changes++;
    this.decisions.clear();
  }
}

/** The directory an ACL file rules, or undefined if the path is not a usable path of an ACL file. */
export function aclDirectoryOf(path: string): string | undefined {
  if (checkPath(path) !== 'ok' || !path.endsWith(`/${ACL_FILE_NAME}`)) return undefined;
  const directory = directoryOf(path);
  // A directory of that name would stand where another rule set's file has to lie.
  return directory.split('/').includes(ACL_FILE_NAME) ? undefined : directory;
}
