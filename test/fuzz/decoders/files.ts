// What people and other programs write: markers, ACL files and their patterns, paths.
import {
  checkPath,
  compileGlob,
  directoryOf,
  escapeGlob,
  inboundKeys,
  isEmail,
  ownerOf,
  parseHostPort,
  parseMarker,
} from '../../../native-free/index.js';
import { parseAclYaml } from '../../../src/relay/acl-yaml.js';
import { bytesOf, type FuzzDecoder, hold, linesOf, textOf } from '../decoder.js';

const ALICE = 'alice@example.com';

export const marker: FuzzDecoder = {
  name: 'marker',
  what: 'stream.tcp files and where they lie',
  maxBytes: 1024,
  words: [
    '"from":',
    '"to":',
    '"port":',
    '"ports":',
    '"dial":',
    '"local_party_id":',
    ALICE,
    'bob@example.com',
    '__proto__',
    '_to_',
    'stream.tcp',
    '../',
    'null',
  ],
  seeds: () =>
    [
      `${ALICE}/f/_mpc/0_to_1/stream.tcp\n{"from":"${ALICE}","to":"bob@example.com","port":9001}`,
      `bob@example.com/f/1_to_0/stream.tcp\n{"from":"bob@example.com","to":"${ALICE}","ports":{"${ALICE}":9002,"bob@example.com":9003},"local_party_id":0,"party_count":3}`,
      `${ALICE}/a/0_to_1/stream.tcp\n{"from":"${ALICE}","to":"bob@example.com","dial":"[::1]:5432"}`,
      `${ALICE}/a/0_to_1/stream.tcp\n127.0.0.1:9001`,
    ].map(bytesOf),
  check(input) {
    const [relPath = '', text = ''] = linesOf(input, 2);
    parseHostPort(text);
    const result = parseMarker(text, relPath, ALICE);
    if (!result.ok) return void hold(result.reason !== '', 'a refusal says why');
    const { port, dial, owner, peer, self, localPid, firstPid, secondPid } = result.marker;
    hold(self === ALICE && isEmail(peer) && peer !== self, 'a marker links us and somebody else');
    hold((port >= 1 && port <= 65_535) || (port === 0 && dial !== undefined), 'a marker names a port or what to dial');
    hold(isEmail(owner) && [firstPid, secondPid].includes(localPid), 'a marker lies in a datasite and knows who we are');
    for (const key of inboundKeys(result.marker)) hold(checkPath(key) === 'ok', 'every key of a marker is a usable path');
  },
};

export const path: FuzzDecoder = {
  name: 'path',
  what: 'paths and e-mails that a peer names',
  maxBytes: 512,
  words: ['../', './', '\\', '%2e%2e/', '\0', '//', 'stream.tcp.request', 'alice@example.com', '\u202e', '\u200d', '@', '.'],
  seeds: () =>
    ['alice@example.com/a/b/stream.tcp.request', 'a@b.c', 'a@b.c/..', '/etc/passwd', 'a@b.c//d', 'ä@ö.ü/x', 'a\u200d@b.c/x'].map(bytesOf),
  check(input) {
    const text = textOf(input);
    isEmail(text);
    if (checkPath(text) !== 'ok') return;
    hold(
      new URL(text.split('/').map(encodeURIComponent).join('/'), 'file:///root/of/it/').pathname.startsWith('/root/of/it/'),
      'a usable path stays below its root',
    );
    hold(
      !/[\0\\]/.test(text) && text.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
      'no segment leads elsewhere',
    );
    hold(isEmail(ownerOf(text)) && text.startsWith(directoryOf(text)), 'a usable path has an owner');
  },
};

export const glob: FuzzDecoder = {
  name: 'glob',
  what: 'patterns of ACL rules, against paths a peer chooses',
  maxBytes: 512,
  words: ['**', '**/', '*', '?', '[a-z]', '[!a]', '{a,b}', '\\', '{{.UserEmail}}', '/', '{,}'],
  seeds: () =>
    [
      '**/*.txt\na/b/c.txt',
      'a{b,c}d[e-g]?\nabdf.',
      '*@org.com\nalice@org.com',
      '**/a/**/a/**/a\na/a/a/a/a/a/a/b',
      '*a*a*a*a*a*b\naaaaaaaaaaaaaaaaaaaaaa',
    ].map(bytesOf),
  check(input) {
    const [pattern = '', text = ''] = linesOf(input, 2);
    const literal = compileGlob(escapeGlob(text));
    hold(literal?.(text) === true, 'an escaped text matches itself');
    hold(literal?.(`${text}x`) === false, 'and nothing else');
    const matches = compileGlob(pattern);
    if (matches === undefined) return;
    const verdict = matches(text);
    hold(verdict === matches(text), 'the same question has the same answer');
    if (!/[*?[\]{}\\]/.test(pattern)) hold(verdict === (pattern === text), 'a pattern without wildcards is that text');
  },
};

export const aclYaml: FuzzDecoder = {
  name: 'acl-yaml',
  what: 'syft.pub.yaml as any user may upload it',
  maxBytes: 768,
  inputMs: 200,
  words: [
    'rules:\n',
    '  - pattern: ',
    'access:\n',
    'read: ',
    'write: ',
    'admin: ',
    'terminal: true\n',
    "['*']",
    'USER',
    '&a ',
    '*a',
    '{{.UserEmail}}',
    '!!binary ',
    '<<: ',
    '---\n',
    '? ',
  ],
  seeds: () =>
    [
      "terminal: false\nrules:\n  - pattern: '**'\n    access:\n      admin: []\n      write: ['a@x.io','b@x.io']\n      read: ['*']\n",
      '{"rules":[{"pattern":"a/*.txt","access":{"read":["*@x.io","USER"]}},{"pattern":"{{.UserEmail}}/**","access":{"write":["USER"]}}],"terminal":true}',
      'a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nrules: *c\n',
      'rules: []\n',
      '',
    ].map(bytesOf),
  check(input) {
    const parsed = parseAclYaml(input);
    if (!parsed.ok) return void hold(parsed.reason !== '', 'a refusal says why');
    for (const rule of parsed.ruleset.rules) {
      for (const user of ['a@x.io', '*', 'USER', '{{.UserEmail}}@[.x']) {
        rule.matches('a/b.txt', user);
        const [admin, write, create, read] = (['admin', 'write', 'create', 'read'] as const).map((level) => rule.grants(user, level));
        hold(
          (!admin || write === true) && (!write || (create === true && read === true)),
          'admin implies write, write implies create and read',
        );
      }
    }
  },
};
