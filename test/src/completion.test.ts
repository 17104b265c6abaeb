// Completion scripts and help: made from the verbs themselves, and each verb shows how it is used.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { absent } from '../support/absent.js';
import { hotlink } from '../support/command.js';

const VERBS = ['relay', 'up', 'forward', 'pipe', 'status', 'top', 'ping', 'doctor', 'bench', 'profile', 'config', 'completion', 'demo'];

function missing(program: string): string | undefined {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return `there is no ${program}`;
  }
}

describe.skipIf(absent('completion for bash', missing('bash')))('in bash', () => {
  it.each([
    [['hotlink', 'con'], 'config'],
    [['hotlink', 'config', 's'], 'show schema'],
    [['hotlink', 'bench', 'burst', '--conc'], '--concurrent'],
    [['hotlink', 'completion', 'z'], 'zsh'],
    [['hotlink', 'up', '--emai'], '--email'],
    [['hotlink', 'status', '--wat'], '--watch'],
  ])('%j offers %s', async (words, offered) => {
    const { stdout } = await hotlink(['completion', 'bash']);
    const ask = `${stdout}\nCOMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _hotlink; echo "\${COMPREPLY[*]}"`;
    expect(execFileSync('bash', ['-c', ask]).toString().trim()).toBe(offered);
  });
});

describe.skipIf(missing('zsh') !== undefined)('in zsh (where there is one)', () => {
  it('parses', async () => {
    const { stdout } = await hotlink(['completion', 'zsh']);
    execFileSync('zsh', ['-n'], { input: stdout });
  });
});

describe.skipIf(missing('fish') !== undefined)('in fish (where there is one)', () => {
  it('parses', async () => {
    const { stdout } = await hotlink(['completion', 'fish']);
    // From a file: fish 3.6 does not read a script from the kind of pipe that Node gives it.
    const script = join(mkdtempSync(join(tmpdir(), 'hotlink-fish-')), 'hotlink.fish');
    try {
      writeFileSync(script, stdout);
      execFileSync('fish', ['--no-execute', script]);
    } finally {
      rmSync(dirname(script), { recursive: true });
    }
  });
});

describe('help', () => {
  it('of the program names every verb', async () => {
    const { code, stdout } = await hotlink(['--help']);
    expect(code).toBe(0);
    for (const verb of VERBS) expect(stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
  });

  it.each([...VERBS.filter((verb) => !['bench', 'config'].includes(verb)), 'bench burst', 'config show', 'config check', 'config schema'])(
    'of %s has examples',
    async (verb) => {
      const { code, stdout } = await hotlink([...verb.split(' '), '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/\nExamples:\n {2}\$ /);
      expect(stdout).toContain(`hotlink ${verb}`);
    },
  );
});
