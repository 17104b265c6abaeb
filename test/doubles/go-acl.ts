// Who may do what, as the Go server decides it, as far as tests write rules: ownership by string prefix (defect S10), else the nearest
// ancestor directory with a file decides, rules for everything below it. wire.md 10.2.
import { parse } from 'yaml';

export type Level = 'read' | 'write' | 'admin';
interface Access {
  admin?: string[];
  write?: string[];
  read?: string[];
}

export class GoAcl {
  readonly #byDirectory = new Map<string, Access>();

  /** @param key path of a `syft.pub.yaml` @returns false when the user may not replace it */
  put(user: string, key: string, text: string): boolean {
    if (!key.endsWith('/syft.pub.yaml') || !this.can(user, key, 'admin')) return false;
    const { rules } = parse(text) as { rules?: { pattern: string; access: Access }[] };
    this.#byDirectory.set(key.slice(0, key.lastIndexOf('/')), rules?.find(({ pattern }) => pattern === '**')?.access ?? {});
    return true;
  }

  can(user: string, path: string, level: Level): boolean {
    if (path.startsWith(user)) return true;
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const access = this.#byDirectory.get(path.slice(0, at));
      if (access === undefined) continue;
      const lists = level === 'admin' ? [access.admin] : level === 'write' ? [access.admin, access.write] : Object.values(access);
      return lists.some((list: string[] | undefined) => list?.includes(user) || list?.includes('*'));
    }
    return false;
  }
}
