// The content of a `syft.pub.yaml`, checked and compiled (wire §10.2). The YAML itself is parsed elsewhere: this takes the parsed value.
// Invariant: a file we cannot read in full is refused, never half applied; refusing means nobody but the owner gets in.
import { compileGlob, escapeGlob, type Glob, type GlobWork } from './glob.js';

/** What a user may want to do. `create` is granted by `write`, as upstream. */
export type AccessLevel = 'read' | 'create' | 'write' | 'admin';

/** The checked content of an ACL file. */
export interface Ruleset {
  /** True: rule sets further down are not looked at. */
  readonly terminal: boolean;
  /** Most specific first; the first whose pattern matches decides. */
  readonly rules: readonly {
    /** The glob as it stands in the file. */
    readonly pattern: string;
    /** Does the rule speak of this path (relative to the rule set's directory) for this user? */
    readonly matches: (relPath: string, user: string, work?: { stepsLeft: number }) => boolean;
    /** Does it let this user do this, where it matches? */
    readonly grants: (user: string, level: 'read' | 'create' | 'write' | 'admin', work?: { stepsLeft: number }) => boolean;
  }[];
}

/** One rule of a rule set. */
export type Rule = Ruleset['rules'][number];
/** What reading an ACL file comes to; a refusal says why, in words. */
export type RulesetResult = ReturnType<typeof parseAclFile>;

/** The name of the file that carries a rule set. */
export const ACL_FILE_NAME = 'syft.pub.yaml';
/** Nobody but the owner: an empty file, and what stands in for one that cannot be read. */
export const PRIVATE_RULESET: Ruleset = { terminal: false, rules: [] };

// Bounds what one file can make every later decision cost.
const MAX_RULES = 1024;
const MAX_USERS_PER_LIST = 4096;
/** Characters of all patterns of a file with their braces written out: about 2 MiB once compiled. Braces make gigabytes of a megabyte otherwise. */
const MAX_PATTERN_CHARS_PER_FILE = 262_144;
const USER_EMAIL = /\{\{\s*\.UserEmail\s*\}\}/g;

/** Checks and compiles what a YAML parser made of a `syft.pub.yaml`; null (an empty file) is private. */
export function parseAclFile(
  value: unknown,
): { readonly ok: true; readonly ruleset: Ruleset } | { readonly ok: false; readonly reason: string } {
  if (value === null || value === undefined) return { ok: true, ruleset: PRIVATE_RULESET };
  if (!isRecord(value)) return refuse('the file must be a mapping with "rules"');
  const terminal = own(value, 'terminal') ?? false;
  if (typeof terminal !== 'boolean') return refuse('"terminal" must be true or false');
  const list = own(value, 'rules') ?? [];
  if (!Array.isArray(list)) return refuse('"rules" must be a list');
  if (list.length > MAX_RULES) return refuse(`"rules" has ${list.length} entries; at most ${MAX_RULES} are allowed`);
  const rules: Rule[] = [];
  const work: GlobWork = { stepsLeft: MAX_PATTERN_CHARS_PER_FILE };
  for (const [index, entry] of list.entries()) {
    const rule = parseRule(entry, work);
    if (work.stepsLeft < 0) return refuse(`rule ${index + 1}: the patterns of the file are too many or too long`);
    if (typeof rule === 'string') return refuse(`rule ${index + 1}: ${rule}`);
    rules.push(rule);
  }
  // Array sort is stable: equally specific rules keep the order of the file.
  rules.sort((a, b) => specificity(b.pattern) - specificity(a.pattern));
  return { ok: true, ruleset: { terminal, rules } };
}

function parseRule(entry: unknown, work: GlobWork): Rule | string {
  if (!isRecord(entry)) return 'must be a mapping with "pattern" and "access"';
  const pattern = own(entry, 'pattern');
  if (typeof pattern !== 'string' || pattern === '') return '"pattern" is missing or empty';
  if (pattern.split('/').includes('..')) return `the pattern "${pattern}" leaves its directory`;
  const matches = compilePattern(pattern.replace(/^(?:\.?\/)+/, ''), work);
  if (typeof matches === 'string') return matches;
  const access = own(entry, 'access');
  if (!isRecord(access)) return '"access" is missing';
  const admin = parseUsers(access, 'admin', work);
  const write = parseUsers(access, 'write', work);
  const read = parseUsers(access, 'read', work);
  if (typeof admin === 'string') return admin;
  if (typeof write === 'string') return write;
  if (typeof read === 'string') return read;
  const grants = (user: string, level: AccessLevel, spent?: GlobWork): boolean => {
    if (admin(user, spent)) return true;
    if (level === 'admin') return false;
    return write(user, spent) || (level === 'read' && read(user, spent));
  };
  return { pattern, matches, grants };
}

function compilePattern(pattern: string, work: GlobWork): Rule['matches'] | string {
  const malformed = `the pattern "${pattern}" is malformed`;
  if (!pattern.includes('{{')) {
    const glob = compileGlob(pattern, work);
    return glob === undefined ? malformed : (relPath, _user, spent) => glob(relPath, spent);
  }
  // Of upstream's template words only the one without a clock or a hash behind it. The others are refused rather than never
  // matched: a restriction that silently does not apply would open what it was meant to close.
  if (pattern.replace(USER_EMAIL, '').includes('{{'))
    return `the pattern "${pattern}" uses a template other than {{.UserEmail}}, which is not supported`;
  const resolve = (user: string, spent: GlobWork | undefined): Glob | undefined =>
    compileGlob(
      pattern.replace(USER_EMAIL, () => escapeGlob(user)),
      spent,
    );
  if (resolve('a@x.io', work) === undefined) return malformed;
  return (relPath, user, spent) => {
    const glob = resolve(user, spent);
    if (glob !== undefined) return glob(relPath, spent);
    // With this e-mail it is too long. It may be the rule that was to keep its owner out.
    if (spent !== undefined) spent.stepsLeft = -1;
    return false;
  };
}

/** A list of e-mails, globs over e-mails, `*` (everyone) and `USER` (whoever asks). */
function parseUsers(
  access: Readonly<Record<string, unknown>>,
  key: AccessLevel,
  work: GlobWork,
): ((user: string, spent?: GlobWork) => boolean) | string {
  const list = own(access, key) ?? [];
  if (!Array.isArray(list)) return `"access.${key}" must be a list of e-mails`;
  if (list.length > MAX_USERS_PER_LIST) return `"access.${key}" has ${list.length} entries; at most ${MAX_USERS_PER_LIST} are allowed`;
  const exact = new Set<string>();
  const globs: Glob[] = [];
  for (const item of list) {
    if (typeof item !== 'string') return `"access.${key}" must hold only e-mails; ${JSON.stringify(item)} is not text (quote it)`;
    if (item === '*' || item === 'USER') return () => true;
    const glob = /[*?[\]]/.test(item) ? compileGlob(item, work) : undefined;
    if (glob === undefined) exact.add(item);
    else globs.push(glob);
  }
  return (user, spent) => exact.has(user) || globs.some((glob) => glob(user, spent));
}

/** Upstream's order of rules: long and deep beats short, wildcards cost. */
function specificity(pattern: string): number {
  if (pattern === '**') return -100;
  if (pattern === '**/*') return -99;
  let score = pattern.length * 2 + (pattern.split('/').length - 1) * 10;
  if (pattern.includes('{{')) score += 50;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string;
    if (char === '*') score -= i === 0 ? 20 : 10;
    else if ('?![{'.includes(char)) score -= 2;
  }
  return score;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(record: Readonly<Record<string, unknown>>, key: string): unknown {
  const value = Object.hasOwn(record, key) ? record[key] : undefined;
  return value === null ? undefined : value;
}

function refuse(reason: string): RulesetResult {
  return { ok: false, reason };
}
