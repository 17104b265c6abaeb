// Configuration in every form: the file, the environment, flags.
import { HotlinkError } from '../../../native-free/errors.js';
import { parseConfigFile } from '../../../src/config/file.js';
import { resolveSettings } from '../../../src/config/resolve.js';
import { settings } from '../../../src/config/table.js';
import { bytesOf, type FuzzDecoder, hold, textOf } from '../decoder.js';

export const configFile: FuzzDecoder = {
  name: 'config-file',
  what: 'the configuration file',
  maxBytes: 768,
  inputMs: 200,
  words: [
    ...settings.map(({ key }) => `${key}: `),
    'channels:\n  - ',
    'peer: ',
    'listen: ',
    '&a ',
    '*a',
    '<<: ',
    'null',
    '1e999',
    '!!set ',
  ],
  seeds: () =>
    [
      'email: a@x.io\nserver: http://127.0.0.1:8080\nthreads: 2\nlanes: [direct, relay]\niceServers: [stun:stun.x.io:3478]\n',
      'channels:\n  - peer: b@x.io\n    name: pg\n    listen: 127.0.0.1:5432\n  - { peer: c@x.io, name: x, dial: "[::1]:22" }\n',
      '{"p2pOnly": true, "chunkBytes": 61440, "token": "secret"}',
    ].map(bytesOf),
  check(input) {
    try {
      const values = parseConfigFile(textOf(input), 'hotlink.yaml');
      for (const key of Object.keys(values))
        hold(
          settings.some((row) => row.key === key),
          'only keys of the table come out of a file',
        );
    } catch (error) {
      hold(
        error instanceof HotlinkError && error.code === 'ERR_HLNK_CONFIG' && /^hotlink\.yaml:\d+: ./.test(error.message),
        `a refusal names the line: ${error}`,
      );
    }
  },
};

export const settingsText: FuzzDecoder = {
  name: 'settings',
  what: 'environment variables and flags',
  maxBytes: 256,
  words: [
    'auto',
    'off',
    'none',
    'direct,webrtc,relay',
    'stun:',
    'turn:x:1?transport=udp',
    '127.0.0.1:0',
    '[::1]:80',
    '18446744073709551616',
    '-1',
    '+',
    '1',
  ],
  seeds: () => ['1', '61440', 'auto', 'stun:a:1,turn:b:2', '[::1]:8080', 'webrtc,relay', 'debug', ''].map(bytesOf),
  check(input) {
    const text = textOf(input).replaceAll('\0', '');
    for (const row of settings) {
      const { value } = row.parse(text);
      if (typeof value === 'number') hold(Number.isFinite(value), `${row.key} is a number`);
    }
    const env = Object.fromEntries(settings.flatMap((row) => row.env.map(({ name }) => [name, text])));
    const { options, warnings } = resolveSettings({ env });
    hold(warnings.every((warning) => warning !== '') && options.email !== '', 'an environment is taken or warned of, never refused');
    const row = settings[(input[0] ?? 0) % settings.length];
    if (row?.flag === undefined) return;
    try {
      resolveSettings({ flags: { [row.key]: text } });
    } catch (error) {
      hold(error instanceof HotlinkError && error.code === 'ERR_HLNK_USAGE', `a flag is refused as wrong usage: ${error}`);
    }
  },
};
