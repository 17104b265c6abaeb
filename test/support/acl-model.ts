// Who may do what, by the rules as the protocol's notes state them (wire §10.2), as slowly and as plainly as they can be written: nothing is cached
// or compiled, nothing is shared with the code under test. Patterns come from a table that says by hand what each matches and how specific it is.

export interface ModelRule {
  pattern: PatternName;
  admin: string[];
  write: string[];
  read: string[];
}

export interface ModelFile {
  terminal: boolean;
  rules: ModelRule[];
}

export type Level = 'read' | 'write' | 'admin';

/** Specificity is upstream's measure, worked out by hand: twice the length, 10 per slash, less for wildcards; `**` last. */
const PATTERNS = {
  '**': { specificity: -100, matches: () => true },
  '*': { specificity: -18, matches: (path: string) => !path.includes('/') },
  '*.txt': { specificity: -10, matches: (path: string) => !path.includes('/') && path.endsWith('.txt') },
  '**/b.txt': { specificity: -4, matches: (path: string) => path.split('/').at(-1) === 'b.txt' },
  'sub/**': { specificity: 2, matches: (path: string) => path === 'sub' || path.startsWith('sub/') },
  '?.txt': { specificity: 8, matches: (path: string) => path.length === 5 && path.endsWith('.txt') && path[0] !== '/' },
  'a.txt': { specificity: 10, matches: (path: string) => path === 'a.txt' },
  '[a-b].txt': { specificity: 16, matches: (path: string) => path === 'a.txt' || path === 'b.txt' },
  'sub/a.txt': { specificity: 28, matches: (path: string) => path === 'sub/a.txt' },
  '{{.UserEmail}}/**': {
    specificity: 74,
    matches: (path: string, user: string) => path === user || path.startsWith(`${user}/`),
  },
} as const;

export type PatternName = keyof typeof PATTERNS;
export const patternNames = Object.keys(PATTERNS) as PatternName[];

/** One rule of the model made wrong, to see that the test finds out. */
export type Mistake =
  | 'owner by prefix'
  | 'terminal ignored'
  | 'parents merged'
  | 'file order'
  | 'write without read'
  | 'USER is nobody'
  | 'stale allow';

export class AclModel {
  readonly files = new Map<string, ModelFile>();
  readonly #mistake: Mistake | undefined;
  readonly #allowed = new Set<string>();

  constructor(mistake?: Mistake) {
    this.#mistake = mistake;
  }

  allows(user: string, path: string, level: Level): boolean {
    const question = `${user} ${path} ${level}`;
    if (this.#mistake === 'stale allow' && this.#allowed.has(question)) return true;
    const allowed = this.#decide(user, path, level);
    if (allowed) this.#allowed.add(question);
    return allowed;
  }

  #decide(user: string, path: string, level: Level): boolean {
    const segments = path.split('/');
    if (this.#mistake === 'owner by prefix' ? path.startsWith(user) : segments[0] === user) return true;
    let nearest = '';
    const above: string[] = [];
    for (let depth = 1; depth < segments.length; depth += 1) {
      const directory = segments.slice(0, depth).join('/');
      const file = this.files.get(directory);
      if (file === undefined) continue;
      nearest = directory;
      above.push(directory);
      if (file.terminal && this.#mistake !== 'terminal ignored') break;
    }
    const deciding = this.#mistake === 'parents merged' ? above.reverse() : [nearest];
    return deciding.some((directory) => this.#byFile(directory, user, path, level));
  }

  #byFile(directory: string, user: string, path: string, level: Level): boolean {
    const rules = [...(this.files.get(directory)?.rules ?? [])];
    if (this.#mistake !== 'file order') rules.sort((a, b) => PATTERNS[b.pattern].specificity - PATTERNS[a.pattern].specificity);
    const inside = path.slice(directory.length + 1);
    const rule = rules.find(({ pattern }) => PATTERNS[pattern].matches(inside, user));
    if (rule === undefined) return false;
    if (this.#names(rule.admin, user)) return true;
    if (level === 'admin') return false;
    if (level === 'write') return this.#names(rule.write, user);
    return this.#names(rule.read, user) || (this.#mistake !== 'write without read' && this.#names(rule.write, user));
  }

  #names(list: readonly string[], user: string): boolean {
    return list.some((entry) => {
      if (entry === 'USER') return this.#mistake !== 'USER is nobody';
      if (entry === '*') return true;
      return entry.startsWith('*') ? user.endsWith(entry.slice(1)) : entry === user;
    });
  }
}
