// The embedding example of README.md, as it stands there, and as a CommonJS program would be written.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { missing, storiesIn } from './story.js';

const readme = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8');

export interface EmbeddingExample {
  readonly module: string;
  readonly commonJs: string;
  /** @returns lines that the document shows and the program did not say */
  unsaid(stdout: string): string[];
}

/** @throws Error when the document has none, or one that cannot be turned into CommonJS here */
export function embeddingExample(): EmbeddingExample {
  const step = storiesIn(readme).find(({ name }) => name === 'program')?.steps[0];
  if (step === undefined || step.shown.length === 0) throw new Error('README.md has no story named program');
  return { module: step.code, commonJs: asCommonJs(step.code), unsaid: (stdout) => missing(step.shown, stdout) };
}

/** Imports become dynamic, and what awaits at the top stands in a function. */
function asCommonJs(module: string): string {
  const body = module.replaceAll(/^import (\{[^}]*\}) from '([^']+)';$/gm, (_, names: string, from: string) => {
    return `const ${names.replaceAll(' as ', ': ')} = await import('${from}');`;
  });
  if (/^import /m.test(body)) throw new Error('an import of another form');
  return `(async () => {\n${body}\n})().catch((error) => { console.error(error); process.exitCode = 1; });\n`;
}
