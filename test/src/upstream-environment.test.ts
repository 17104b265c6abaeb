// Upstream's environment, variable by variable: its defaults, what it takes for on, where it clamps, and what becomes of nonsense. wire.md 7.
import { describe, expect, it } from 'vitest';
import { resolveSettings, settings } from '../../src/config/index.js';
import type { ValueKey } from '../../src/config/values.js';

interface Row {
  key: ValueKey;
  /** What holds when the variable is not set. */
  unset: unknown;
  /** Text and what it amounts to, without a warning. */
  takes: readonly [string, unknown][];
  /** Text that is taken for something else, with a warning. */
  clamps?: readonly [string, unknown][];
  /** Text that cannot be read: the default counts, with a warning. */
  nonsense?: readonly string[];
}

const exactlyOne = (key: ValueKey, unset: boolean): Row => ({
  key,
  unset,
  takes: [
    ['1', true],
    ['0', false],
    ['true', false],
    ['yes', false],
    ['', unset],
  ],
});
const number = (key: ValueKey, unset: number, max: number, min = 0): Row => {
  const bounded = max < Number.MAX_SAFE_INTEGER;
  const least: [string, unknown] = [String(min), min];
  const most: [string, unknown][] = bounded ? [[String(max), max]] : [];
  const tooMuch: [string, unknown][] = bounded ? [[String(max + 1), max]] : [];
  const tooLittle: [string, unknown][] = min > 0 ? [[String(min - 1), min]] : [];
  return { key, unset, takes: [least, ...most], clamps: [...tooMuch, ...tooLittle], nonsense: ['many', '-1', '1.5', '1e3', ''] };
};

const rows: Record<string, Row> = {
  SYFTBOX_HOTLINK: exactlyOne('enabled', true),
  SYFTBOX_HOTLINK_SOCKET_ONLY: exactlyOne('socketOnly', false),
  SYFTBOX_HOTLINK_TCP_PROXY: exactlyOne('tcpProxy', true),
  SYFTBOX_HOTLINK_TCP_PROXY_ADDR: {
    key: 'bindAddress',
    unset: '127.0.0.1',
    takes: [
      ['0.0.0.0', '0.0.0.0'],
      ['127.0.0.2:9000', '127.0.0.2'],
      ['::1', '::1'],
    ],
  },
  SYFTBOX_HOTLINK_TCP_PROXY_CHUNK_SIZE: number('chunkBytes', 61_440, 1_048_576, 4096),
  SYFTBOX_HOTLINK_IPC: {
    key: 'ipc',
    unset: 'unix',
    takes: [
      ['tcp', 'tcp'],
      ['unix', 'unix'],
      ['anything', 'unix'],
    ],
  },
  SYFTBOX_HOTLINK_TCP_ADDR: { key: 'ipcAddress', unset: '127.0.0.1:0', takes: [['127.0.0.1:7777', '127.0.0.1:7777']] },
  SYFTBOX_HOTLINK_STABLE_MS: number('stableMs', 10, Number.MAX_SAFE_INTEGER),
  SYFTBOX_HOTLINK_QUIC: {
    key: 'quic',
    unset: true,
    takes: [
      ['0', false],
      ['1', true],
      ['no', true],
    ],
  },
  SYFTBOX_HOTLINK_QUIC_ONLY: exactlyOne('p2pOnly', false),
  SYFTBOX_HOTLINK_P2P_ONLY: exactlyOne('p2pOnly', false),
  SYFTBOX_HOTLINK_STUN_SERVER: {
    key: 'iceServers',
    unset: undefined,
    takes: [
      ['stun.example.org:3478', ['stun:stun.example.org:3478']],
      ['stun:a.example.org,stun:b.example.org:19302', ['stun:a.example.org', 'stun:b.example.org:19302']],
      ['0', []],
      ['off', []],
      ['disabled', []],
      ['', undefined],
    ],
    nonsense: ['http://stun.example.org'],
  },
  SYFTBOX_HOTLINK_ICE_SERVERS: {
    key: 'iceServers',
    unset: undefined,
    takes: [
      ['turn:turn:3478?transport=udp', ['turn:turn:3478?transport=udp']],
      ['stun:a:1, turns:b:2', ['stun:a:1', 'turns:b:2']],
      ['', []],
      ['none', []],
    ],
    nonsense: ['turn.example.org'],
  },
  SYFTBOX_HOTLINK_TURN_USER: { key: 'turnUser', unset: undefined, takes: [['syftbox', 'syftbox']] },
  SYFTBOX_HOTLINK_TURN_PASS: { key: 'turnPass', unset: undefined, takes: [['secret', 'secret']] },
  SYFTBOX_HOTLINK_TURN_HOST: { key: 'turnHost', unset: undefined, takes: [['turn.example.org', 'turn.example.org']] },
  SYFTBOX_HOTLINK_TURN_PORT: number('turnPort', 5349, 65_535, 1),
  SYFTBOX_HOTLINK_WS_FALLBACK_GRACE_MS: number('fallbackGraceMs', 1500, 10_000),
  SYFTBOX_HOTLINK_WEBRTC_BUFFERED_HIGH: number('bufferedHighBytes', 1_048_576, 16_777_216),
  SYFTBOX_HOTLINK_WEBRTC_BACKPRESSURE_WAIT_MS: number('backpressureWaitMs', 1500, 10_000),
  SYFTBOX_HOTLINK_BENCH_STRICT: {
    key: 'strict',
    unset: false,
    takes: [
      ['1', true],
      ['true', true],
      ['YES', true],
      ['On', true],
      ['0', false],
      ['2', false],
      ['', false],
    ],
  },
  SYFTBOX_HOTLINK_DEBUG: exactlyOne('debug', false),
  SYFTBOX_HOTLINK_BENCH: exactlyOne('bench', false),
  SYFTBOX_LATENCY_TRACE: exactlyOne('latencyTrace', false),
  SYFTBOX_PRIORITY_DEBOUNCE_MS: number('priorityDebounceMs', 50, Number.MAX_SAFE_INTEGER),
  SYFTBOX_ACL_STAGING_GRACE_MS: number('aclStagingGraceMs', 600_000, Number.MAX_SAFE_INTEGER),
  SYFTBOX_AUTH_ENABLED: {
    key: 'authEnabled',
    unset: undefined,
    takes: [
      ['1', true],
      ['true', true],
      ['0', false],
      ['false', false],
    ],
  },
  SYFTBOX_EMBEDDED_WORKER_THREADS: {
    key: 'threads',
    unset: settings.find(({ key }) => key === 'threads')?.default,
    takes: [['3', 3]],
    clamps: [['0', 1]],
    nonsense: ['four'],
  },
};

describe('every variable of upstream', () => {
  it('is in the settings table, and the table has no other name of upstream’s', () => {
    const names = settings.flatMap(({ env }) => env.map(({ name }) => name)).filter((name) => name.startsWith('SYFTBOX_'));
    expect(names.sort()).toEqual(Object.keys(rows).sort());
  });

  it.each(Object.entries(rows))('%s means what it means there', (name, { key, unset, takes, clamps = [], nonsense = [] }) => {
    const read = (text?: string) => resolveSettings(text === undefined ? {} : { env: { [name]: text } });
    expect(read().values[key]).toEqual(unset);
    for (const [text, value] of takes) {
      expect([text, read(text).values[key]]).toEqual([text, value]);
      expect([text, read(text).warnings]).toEqual([text, []]);
    }
    for (const [text, value] of clamps) {
      expect([text, read(text).values[key]]).toEqual([text, value]);
      expect(read(text).warnings).toEqual([expect.stringContaining(name)]);
    }
    for (const text of nonsense) {
      expect([text, read(text).values[key]]).toEqual([text, unset]);
      expect(read(text).warnings).toEqual([expect.stringContaining(name)]);
    }
  });
});

describe('authentication', () => {
  const env = { HOTLINK_TOKEN: 'secret' };
  it('shows the token that there is, unless it is switched off', () => {
    expect(resolveSettings({ env }).options.token).toBe('secret');
    expect(resolveSettings({ env: { ...env, SYFTBOX_AUTH_ENABLED: '1' } }).options.token).toBe('secret');
    expect(resolveSettings({ env: { ...env, SYFTBOX_AUTH_ENABLED: '0' } }).options.token).toBeUndefined();
  });
});
