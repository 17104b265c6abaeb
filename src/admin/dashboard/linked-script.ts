// The page's own script: the compiled modules that its first one reaches, each in a function of its own, in the order they need each
// other. So the page is a single answer that loads nothing, and the build stays `tsc -b`. What the modules may do for that: import by
// name, export functions, classes and constants where they stand, and no circles. Main thread.
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const IMPORT = /^import \{([^}]*)\} from '([^']+)';$/gm;
const EXPORT = /^export ((?:async )?function|class|const) (\w+)/gm;
/** What the compiler adds and nobody needs here. */
const REST = /^(?:export \{\};|\/\/# sourceMappingURL=.*)$/gm;

/**
 * @param entry path of the first module, compiled
 * @throws Error for a module that cannot be linked
 */
export function linkedScript(entry: string): string {
  const parts: string[] = [];
  const names = new Map<string, string>();
  const link = (file: string): string => {
    const known = names.get(file);
    if (known !== undefined) return known;
    const name = `module${names.size}`;
    names.set(file, name);
    const exported: string[] = [];
    const body = readFileSync(file, 'utf8')
      .replaceAll('\r\n', '\n')
      .replace(IMPORT, (_line, what: string, target: string) => {
        if (!target.startsWith('.')) throw new Error(`${file} imports ${target}, which the page has not got`);
        return `const {${what.replaceAll(' as ', ': ')}} = ${link(normalize(join(dirname(file), target)))};`;
      })
      .replace(EXPORT, (_line, kind: string, what: string) => {
        exported.push(what);
        return `${kind} ${what}`;
      })
      .replace(REST, '');
    if (/^(?:import|export)\b/m.test(body)) throw new Error(`${file} imports or exports in a way that cannot be linked`);
    parts.push(`const ${name} = (() => {\n${body.trim()}\nreturn { ${exported.join(', ')} };\n})();`);
    return name;
  };
  link(entry);
  return `(() => {\n'use strict';\n${parts.join('\n')}\n})();`;
}
