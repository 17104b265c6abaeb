// `hotlink completion SHELL`: a completion script made from the verbs and flags themselves, so that it cannot fall behind.
import type { Command } from 'commander';
import { EXIT_OK } from './exit-code.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** One command of the tree: its words, its flags, and what may follow it. */
interface Node {
  /** `bench burst`; empty for the program itself. */
  path: string;
  description: string;
  verbs: { name: string; description: string }[];
  flags: { long: string; description: string; takesFile: boolean }[];
  /** Words it takes as its argument. */
  words: string[];
}

/** @returns the exit code */
export function completion(command: Command): number {
  const root = rootOf(command);
  const [shell] = command.args as [Shell];
  process.stdout.write(completionScript(root, shell));
  return EXIT_OK;
}

export function completionScript(root: Command, shell: Shell): string {
  const nodes = nodesOf(root, '');
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](nodes);
}

function rootOf(command: Command): Command {
  let root = command;
  while (root.parent !== null) root = root.parent;
  return root;
}

function nodesOf(command: Command, path: string): Node[] {
  const visible = command.commands;
  const node: Node = {
    path,
    description: command.description(),
    verbs: visible.map((verb) => ({ name: verb.name(), description: verb.description() })),
    flags: command.options
      .filter(({ hidden, long }) => !hidden && long !== undefined)
      .map(({ long, flags, description }) => ({ long: long as string, description, takesFile: /<(file|dir)>/.test(flags) })),
    words: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  };
  node.flags.push({ long: '--help', description: 'what can be given', takesFile: false });
  return [node, ...visible.flatMap((verb) => nodesOf(verb, path === '' ? verb.name() : `${path} ${verb.name()}`))];
}

const wordsOf = ({ verbs, flags, words }: Node): string =>
  [...verbs.map(({ name }) => name), ...words, ...flags.map(({ long }) => long)].join(' ');
const fileFlags = (nodes: readonly Node[]): string =>
  [...new Set(nodes.flatMap(({ flags }) => flags.filter(({ takesFile }) => takesFile).map(({ long }) => long)))].join('|');

function bashScript(nodes: readonly Node[]): string {
  return `# bash completion of hotlink; load it with: source <(hotlink completion bash)
_hotlink() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${path:+$path }\${COMP_WORDS[i]}" in
${nodes
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      "${path}") path="${path}" ;;`)
  .join('\n')}
    esac
  done
  case "$prev" in
    ${fileFlags(nodes)}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  case "$path" in
${nodes.map((node) => `    "${node.path}") words="${wordsOf(node)}" ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _hotlink hotlink
`;
}

function zshScript(nodes: readonly Node[]): string {
  return `#compdef hotlink
# zsh completion of hotlink; put it as _hotlink into a directory of your fpath.
_hotlink() {
  local path="" i
  local -a candidates
  for ((i = 2; i < CURRENT; i++)); do
    case "\${path:+$path }\${words[i]}" in
${nodes
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      "${path}") path="${path}" ;;`)
  .join('\n')}
    esac
  done
  case "\${words[CURRENT-1]}" in
    ${fileFlags(nodes)}) _files; return ;;
  esac
  case "$path" in
${nodes.map((node) => `    "${node.path}") candidates=(${zshCandidates(node)}) ;;`).join('\n')}
  esac
  _describe hotlink candidates
}
compdef _hotlink hotlink
`;
}

function zshCandidates({ verbs, flags, words }: Node): string {
  const entries = [
    ...verbs.map(({ name, description }) => [name, description]),
    ...words.map((word) => [word, word]),
    ...flags.map(({ long, description }) => [long, description]),
  ];
  return entries.map(([name, text]) => `'${name}:${quoted(text as string)}'`).join(' ');
}

function fishScript(nodes: readonly Node[]): string {
  const lines = ['# fish completion of hotlink; put it into ~/.config/fish/completions/hotlink.fish', 'complete -c hotlink -f'];
  for (const { path, verbs, flags, words } of nodes) {
    const seen = path.split(' ').filter(Boolean);
    const condition =
      seen.length === 0 ? '__fish_use_subcommand' : seen.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
    for (const { name, description } of verbs) {
      const fresh =
        seen.length === 0 ? condition : `${condition}; and not __fish_seen_subcommand_from ${verbs.map((verb) => verb.name).join(' ')}`;
      lines.push(`complete -c hotlink -n '${fresh}' -a ${name} -d '${quoted(description)}'`);
    }
    for (const word of words) lines.push(`complete -c hotlink -n '${condition}' -a ${word}`);
    for (const { long, description, takesFile } of flags)
      lines.push(`complete -c hotlink -n '${condition}' -l ${long.slice(2)}${takesFile ? ' -r -F' : ''} -d '${quoted(description)}'`);
  }
  return `${lines.join('\n')}\n`;
}

/** For single quotes of any of the three shells, short enough for a menu. */
function quoted(text: string): string {
  return (text.split(/[.;(]/)[0] as string).replaceAll(/['\\:]/g, ' ').trim();
}
