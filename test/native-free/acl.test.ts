import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AccessLevel, AclTree, aclDirectoryOf, compileGlob, escapeGlob, parseAclFile } from '../../native-free/acl/index.js';

const ALICE = 'alice@x.io';
const BOB = 'bob@x.io';
const EVE = 'eve@evil.org';

function treeWith(sets: Record<string, unknown>): AclTree {
  const tree = new AclTree();
  for (const [directory, value] of Object.entries(sets)) {
    const result = parseAclFile(value);
    if (!result.ok) throw new Error(result.reason);
    tree.set(directory, result.ruleset);
  }
  return tree;
}

const allow = (pattern: string, access: Partial<Record<AccessLevel, string[]>>) => ({ pattern, access });

describe('a decision', () => {
  it('is always yes for the owner, by whole segment and not by prefix (defect S10)', () => {
    const tree = new AclTree();
    expect(tree.can(ALICE, `${ALICE}/any/f`, 'admin')).toBe(true);
    expect(tree.can('a@x.co', 'a@x.com/f', 'read')).toBe(false);
    expect(tree.can(BOB, `${ALICE}/f`, 'read')).toBe(false);
  });

  it('grants read with write, and everything with admin', () => {
    const tree = treeWith({ [`${ALICE}/d`]: { rules: [allow('**', { write: [BOB], read: ['carol@x.io'], admin: ['dan@x.io'] })] } });
    const levels: AccessLevel[] = ['read', 'create', 'write', 'admin'];
    const granted = (user: string) => levels.filter((level) => tree.can(user, `${ALICE}/d/f`, level));
    expect(granted(BOB)).toEqual(['read', 'create', 'write']);
    expect(granted('carol@x.io')).toEqual(['read']);
    expect(granted('dan@x.io')).toEqual(levels);
    expect(granted(EVE)).toEqual([]);
  });

  it('comes from the nearest rule set alone, without its parents', () => {
    const tree = treeWith({
      [ALICE]: { rules: [allow('**', { read: ['*'] })] },
      [`${ALICE}/secret`]: { rules: [] },
      [`${ALICE}/secret/deep`]: { rules: [allow('open.txt', { read: [BOB] })] },
    });
    expect(tree.can(BOB, `${ALICE}/f`, 'read')).toBe(true);
    expect(tree.can(BOB, `${ALICE}/secret/f`, 'read')).toBe(false);
    expect(tree.can(BOB, `${ALICE}/secrets/f`, 'read')).toBe(true);
    expect(tree.can(BOB, `${ALICE}/secret/deep/open.txt`, 'read')).toBe(true);
    expect(tree.can(BOB, `${ALICE}/secret/deep/other`, 'read')).toBe(false);
  });

  it('does not look below a terminal rule set', () => {
    const tree = treeWith({
      [`${ALICE}/d`]: { terminal: true, rules: [allow('**', { read: [] })] },
      [`${ALICE}/d/e`]: { rules: [allow('**', { read: ['*'] })] },
    });
    expect(tree.can(BOB, `${ALICE}/d/e/f`, 'read')).toBe(false);
  });

  it('is made by the most specific rule that matches', () => {
    const tree = treeWith({
      [ALICE]: { rules: [allow('**', { read: ['*'] }), allow('private/**', { read: [] }), allow('private/*.pub', { read: [BOB] })] },
    });
    expect(tree.can(BOB, `${ALICE}/x`, 'read')).toBe(true);
    expect(tree.can(BOB, `${ALICE}/private/x`, 'read')).toBe(false);
    expect(tree.can(BOB, `${ALICE}/private/x.pub`, 'read')).toBe(true);
    expect(tree.can(EVE, `${ALICE}/private/x.pub`, 'read')).toBe(false);
  });

  it('knows globs over users, everyone and USER', () => {
    const tree = treeWith({
      [`${ALICE}/org`]: { rules: [allow('**', { read: ['*@x.io'] })] },
      [`${ALICE}/all`]: { rules: [allow('**', { read: ['*'] })] },
      [`${ALICE}/own`]: { rules: [allow('{{.UserEmail}}/**', { write: ['USER'] })] },
    });
    expect([BOB, EVE].map((user) => tree.can(user, `${ALICE}/org/f`, 'read'))).toEqual([true, false]);
    expect([BOB, EVE].map((user) => tree.can(user, `${ALICE}/all/f`, 'read'))).toEqual([true, true]);
    expect([BOB, EVE].map((user) => tree.can(user, `${ALICE}/own/${BOB}/f`, 'write'))).toEqual([true, false]);
    // A user whose name is a wildcard matches only itself.
    expect(tree.can('*@x.io', `${ALICE}/own/${BOB}/f`, 'write')).toBe(false);
  });

  it('asks for admin to change an ACL file', () => {
    const tree = treeWith({ [`${ALICE}/d`]: { rules: [allow('**', { write: [BOB], admin: [EVE] })] } });
    expect(tree.can(BOB, `${ALICE}/d/syft.pub.yaml`, 'write')).toBe(false);
    expect(tree.can(BOB, `${ALICE}/d/syft.pub.yaml`, 'read')).toBe(true);
    expect(tree.can(EVE, `${ALICE}/d/syft.pub.yaml`, 'write')).toBe(true);
  });

  it('is no for a path that climbs, even for its owner', () => {
    const tree = treeWith({ [ALICE]: { rules: [allow('**', { read: ['*'] })] } });
    for (const path of [`${ALICE}/../${BOB}/f`, `/${ALICE}/f`, `${ALICE}//f`, `${ALICE}\\f`])
      expect(tree.can(ALICE, path, 'read')).toBe(false);
  });

  it('changes at once when a rule set comes or goes', () => {
    const tree = new AclTree();
    const before = tree.version;
    expect(tree.can(BOB, `${ALICE}/d/f`, 'read')).toBe(false);
    const result = parseAclFile({ rules: [allow('**', { read: [BOB] })] });
    if (!result.ok) throw new Error(result.reason);
    tree.set(`${ALICE}/d`, result.ruleset);
    expect(tree.version).toBeGreaterThan(before);
    expect(tree.can(BOB, `${ALICE}/d/f`, 'read')).toBe(true);
    expect(tree.remove(`${ALICE}/d`)).toBe(true);
    expect(tree.remove(`${ALICE}/d`)).toBe(false);
    expect(tree.can(BOB, `${ALICE}/d/f`, 'read')).toBe(false);
  });

  it('stays right when the cache overflows', () => {
    const tree = treeWith({ [ALICE]: { rules: [allow('even*', { read: [BOB] })] } });
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 3000; i++) expect(tree.can(BOB, `${ALICE}/${i % 2 === 0 ? 'even' : 'odd'}${i}`, 'read')).toBe(i % 2 === 0);
    }
  });
});

describe('an ACL file', () => {
  it.each([null, undefined, {}, { rules: null }, { rules: [] }])('without rules (%j) is private', (value) => {
    expect(parseAclFile(value)).toMatchObject({ ok: true, ruleset: { rules: [] } });
  });

  it.each([
    ['text', 'mapping'],
    [{ terminal: 'yes' }, '"terminal"'],
    [{ rules: {} }, '"rules" must be a list'],
    [{ rules: [{ access: {} }] }, 'rule 1: "pattern"'],
    [{ rules: [allow('**', {}), { pattern: '*' }] }, 'rule 2: "access"'],
    [{ rules: [allow('../**', {})] }, 'leaves its directory'],
    [{ rules: [allow('[a', {})] }, 'malformed'],
    [{ rules: [allow('{{.UserHash}}/**', {})] }, 'template'],
    [{ rules: [{ pattern: '**', access: { read: '*' } }] }, '"access.read" must be a list'],
    [{ rules: [{ pattern: '**', access: { read: [1] } }] }, 'not text'],
  ])('%j is refused: %s', (value, part) => {
    const result = parseAclFile(value);
    expect(result.ok ? '' : result.reason).toContain(part);
  });

  it('never makes anything throw', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), fc.string(), (value, pattern, user) => {
        parseAclFile(value);
        const result = parseAclFile({ rules: [{ pattern, access: { read: [user] } }] });
        if (result.ok) result.ruleset.rules[0]?.matches('a/b', user);
      }),
    );
  });

  it('rules the directory it lies in', () => {
    expect(aclDirectoryOf(`${ALICE}/d/syft.pub.yaml`)).toBe(`${ALICE}/d`);
    expect(aclDirectoryOf(`${ALICE}/syft.pub.yaml`)).toBe(ALICE);
    for (const path of ['syft.pub.yaml', `${ALICE}/d/f`, `${ALICE}/../syft.pub.yaml`, `${ALICE}/syft.pub.yaml/syft.pub.yaml`]) {
      expect(aclDirectoryOf(path)).toBeUndefined();
    }
  });
});

describe('a glob', () => {
  it.each([
    ['**', '', true],
    ['**', 'a/b/c', true],
    ['*', 'a', true],
    ['*', 'a/b', false],
    ['a/**', 'a', true],
    ['a/**', 'ab', false],
    ['**/c', 'c', true],
    ['**/c', 'a/b/c', true],
    ['a/**/c', 'a/c', true],
    ['a/**/c', 'a/b/b/c', true],
    ['a/**/c', 'a/b', false],
    ['*.t?t', 'x.txt', true],
    ['*.t?t', 'x.tt', false],
    ['a*b*c', 'aXbXbXc', true],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['{a,b/c}.txt', 'b/c.txt', true],
    ['{a,b{1,2}}', 'b2', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['*@x.io', 'bob@x.io', true],
    ['?', 'é', true],
    ['.', 'a', false],
  ])('%s on %j: %s', (pattern, text, expected) => {
    expect(compileGlob(pattern)?.(text)).toBe(expected);
  });

  it.each(['[a', '{a,b', 'a\\', '[]', '{a,b}'.repeat(7)])('%s is malformed', (pattern) => {
    expect(compileGlob(pattern)).toBeUndefined();
  });

  it('matches exactly the text it was escaped from', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, other) => {
        const glob = compileGlob(escapeGlob(text));
        expect(glob?.(text)).toBe(true);
        if (other !== text) expect(glob?.(other)).toBe(false);
      }),
    );
  });

  it('does not blow up on a pattern made to blow up', () => {
    const glob = compileGlob(`${'a*'.repeat(500)}b`);
    expect(glob?.('a'.repeat(3000))).toBe(false);
  });
});

describe('patterns written to be slow or large', () => {
  const slow = (count: number) => Array.from({ length: count }, (_, i) => allow(`*${'a'.repeat(100)}${i}b`, { read: ['*'] }));

  it('are given up after a bounded number of steps, and nobody gets in by them', () => {
    const long = `${ALICE}/d/${'a'.repeat(3000)}`;
    const few = treeWith({ [`${ALICE}/d`]: { rules: [...slow(2), allow('**', { read: [BOB] })] } });
    expect(few.can(BOB, long, 'read')).toBe(true);
    const many = treeWith({ [`${ALICE}/d`]: { rules: [...slow(50), allow('**', { read: [BOB] })] } });
    expect(many.can(BOB, long, 'read')).toBe(false);
    expect(many.can(BOB, `${ALICE}/d/b`, 'read')).toBe(true);
    expect(many.can(ALICE, long, 'read')).toBe(true);
  });

  it('cost many users together no more than is allowed, and who is not looked at then is told the truth when asked alone', () => {
    const long = `${ALICE}/d/${'a'.repeat(3000)}`;
    const tree = treeWith({ [`${ALICE}/d`]: { rules: [...slow(2), allow('**', { read: ['*'] })] } });
    const users = Array.from({ length: 500 }, (_, i) => `u${i}@x.io`);
    const work = { stepsLeft: 2_000_000 };
    const shown = users.filter((user) => tree.can(user, long, 'read', work));
    expect(work.stepsLeft).toBeLessThan(0);
    expect(work.stepsLeft).toBeGreaterThan(-1_000_000);
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.length).toBeLessThan(users.length);
    expect(tree.can('u499@x.io', long, 'read')).toBe(true);
  });

  it('are refused when their braces would unfold into megabytes', () => {
    const bomb = '{a,b}{c,d}{e,f}{g,h}{i,j}{k,l}'.padEnd(250, 'x');
    expect(parseAclFile({ rules: [allow(bomb, { read: ['*'] })] })).toMatchObject({ ok: true });
    const rules = Array.from({ length: 20 }, () => allow(bomb, { read: ['*'] }));
    expect(parseAclFile({ rules })).toEqual({ ok: false, reason: 'rule 19: the patterns of the file are too many or too long' });
    expect(parseAclFile({ rules: [allow('**', { read: rules.map((_, i) => `*${bomb}${i}`) })] }).ok).toBe(false);
    expect(parseAclFile({ rules: [allow('x'.repeat(5000), { read: ['*'] })] }).ok).toBe(false);
  });

  it('keep out whom they cannot be written out for', () => {
    const pattern = `{{{.UserEmail}},b,c,d,e,f}${'{{.UserEmail}}'.repeat(40)}`;
    const tree = treeWith({ [`${ALICE}/d`]: { rules: [allow(pattern, {}), allow('**', { read: ['*'] })] } });
    expect(tree.can(BOB, `${ALICE}/d/f`, 'read')).toBe(true);
    expect(tree.can(`${'e'.repeat(200)}@x.io`, `${ALICE}/d/f`, 'read')).toBe(false);
  });
});
