// The reference in docs/api is what the published declarations say, every name in them is documented, and nothing that is spoken of is kept back.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ApiDoc, type ApiItem, type ApiMember, readApi } from '../support/api-model.js';
import { apiPage } from '../support/api-page.js';

const root = join(import.meta.dirname, '../../..');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Readonly<Record<string, string | { readonly types: string }>>;
};
/** What stands at the head of each page. */
const INTROS: Readonly<Record<string, string>> = {
  hotlink: 'A data plane inside a program: [library.md](../library.md) has the whole of it in prose.',
  'hotlink/relay': 'The relay server inside a program, with a server of its own or as a part of one that is there.',
  'hotlink/native-free/machines':
    'State machines without I/O for a program that is a whole peer on a platform of its own, such as [a page](../../examples/browser-peer/README.md): sessions, the key exchange, and the core of a channel. [native-free/README.md](../../native-free/README.md#how-a-machine-is-driven) says how a machine is driven.',
  'hotlink/native-free':
    'The protocol as data in, data out: frames, messages of the relay, signals, paths, markers and permissions. No Node, no I/O, no clock: runs in a browser.',
};
/** What only members marked `@internal` speak of. */
const INTERNAL = /"(?:OutFlow|InFlow|SendWindow)"/;
const entries = Object.entries(exports).flatMap(([path, entry]) =>
  typeof entry === 'string' ? [] : [{ name: path.replace(/^\./, 'hotlink'), types: entry.types }],
);

/** What has no word of documentation, as a reader would name it. */
function undocumented(items: readonly ApiItem[]): string[] {
  return items.flatMap(({ name, doc, members }) => [
    ...(isSilent(doc) ? [name] : []),
    ...members.filter((member) => isSilent(member.doc) && !speaksForItself(member)).map((member) => `${name}.${member.name}`),
  ]);
}

const isSilent = ({ summary, params, returns }: ApiDoc): boolean => summary === '' && params.length === 0 && returns === '';

/** A constructor without arguments, what the language calls by a symbol, and a property that has but one value, to tell it from its kin. */
function speaksForItself({ kind, name, signature }: ApiMember): boolean {
  return (kind === 'constructor' && signature.endsWith('()')) || name.startsWith('[') || /: (?:true|false|-?\d+|'[^']*')$/.test(signature);
}

describe.each(entries)('the API of $name', ({ name, types }) => {
  const api = readApi(types);

  it('is documented, every name of it', () => {
    expect(api.items.length).toBeGreaterThan(5);
    expect(undocumented(api.items)).toEqual([]);
  });

  it('exports every type that it speaks of', () => {
    expect(api.forgotten.filter((sentence) => !INTERNAL.test(sentence))).toEqual([]);
  });

  it('is what docs/api says', () => {
    const file = join(root, `docs/api/${name.replace('hotlink/', '').replace('/', '-')}.md`);
    const page = apiPage(name, INTROS[name] ?? '', api);
    if (process.env['HOTLINK_DOCS'] === 'write') {
      mkdirSync(join(root, 'docs/api'), { recursive: true });
      writeFileSync(file, page);
    }
    expect(existsSync(file) && readFileSync(file, 'utf8') === page, `${file} is out of date: npm run api`).toBe(true);
  });
});
