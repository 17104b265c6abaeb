// Stories about where a setting comes from and what happens to one that cannot be used.
import { describe, expect, it } from 'vitest';
import { requireIdentity, resolveSettings, settings, settingsMarkdown } from '../../src/config/index.js';

const fromEnv = (env: Record<string, string>) => resolveSettings({ env });
const file = (text: string) => resolveSettings({ file: { path: 'hotlink.yaml', text } });
const refusal = (run: () => unknown): { code: string; message: string } => {
  try {
    run();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('it was accepted');
};

describe('upstream names and clamps', () => {
  it('has the documented defaults when nothing is said', () => {
    const { options, origins, warnings } = resolveSettings({});
    expect(options).toMatchObject({
      chunkBytes: 61_440,
      bufferedHighBytes: 1_048_576,
      backpressureWaitMs: 1500,
      fallbackGraceMs: 1500,
      windowBytes: 4_194_304,
      sctpWindowBytes: 'auto',
      sctpCongestion: 'standard',
      mtu: 'auto',
      lanes: ['direct', 'webrtc', 'relay'],
      p2pOnly: false,
      strict: false,
    });
    expect(options.threads).toBeGreaterThanOrEqual(1);
    expect(options.threads).toBeLessThanOrEqual(4);
    expect(options.iceServers).toBeUndefined();
    expect(origins.mtu).toEqual({ from: 'default' });
    expect(warnings).toEqual([]);
  });

  it.each([
    ['SYFTBOX_HOTLINK_TCP_PROXY_CHUNK_SIZE', '1', 'chunkBytes', 4096],
    ['SYFTBOX_HOTLINK_TCP_PROXY_CHUNK_SIZE', '9999999', 'chunkBytes', 1_048_576],
    ['SYFTBOX_HOTLINK_TCP_PROXY_CHUNK_SIZE', '65536', 'chunkBytes', 65_536],
    ['SYFTBOX_HOTLINK_WEBRTC_BUFFERED_HIGH', '0', 'bufferedHighBytes', 0],
    ['SYFTBOX_HOTLINK_WEBRTC_BUFFERED_HIGH', '99999999999', 'bufferedHighBytes', 16_777_216],
    ['SYFTBOX_HOTLINK_WEBRTC_BACKPRESSURE_WAIT_MS', '10001', 'backpressureWaitMs', 10_000],
    ['SYFTBOX_HOTLINK_WS_FALLBACK_GRACE_MS', '10001', 'fallbackGraceMs', 10_000],
    ['HOTLINK_MTU', '1500', 'mtu', 1500],
    ['HOTLINK_MTU', '9000', 'mtu', 4096],
    ['HOTLINK_SCTP_WINDOW', '4194304', 'sctpWindowBytes', 4_194_304],
    ['HOTLINK_SCTP_WINDOW', '1', 'sctpWindowBytes', 65_536],
    ['HOTLINK_THREADS', '0', 'threads', 1],
    ['HOTLINK_KEEPALIVE_MS', '1000', 'keepAliveMs', 1000],
    ['HOTLINK_PEER_LOSS_MS', '10', 'peerLossMs', 3000],
    ['HOTLINK_RESUME_MS', '120000', 'resumeMs', 120_000],
  ] as const)('%s=%s gives %s %d', (name, text, key, value) => {
    expect(fromEnv({ [name]: text }).options[key]).toBe(value);
  });

  it.each(['sixty', '-1', '60k', '', '1e5', '61440.5'])('takes the default for a chunk size of "%s", with a warning', (text) => {
    const { options, warnings, origins } = fromEnv({ SYFTBOX_HOTLINK_TCP_PROXY_CHUNK_SIZE: text });
    expect(options.chunkBytes).toBe(61_440);
    expect(origins.chunkBytes.from).toBe('default');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('SYFTBOX_HOTLINK_TCP_PROXY_CHUNK_SIZE');
  });

  it('takes QUIC_ONLY for P2P_ONLY, even beside P2P_ONLY=0', () => {
    expect(fromEnv({ SYFTBOX_HOTLINK_QUIC_ONLY: '1' }).options.p2pOnly).toBe(true);
    expect(fromEnv({ SYFTBOX_HOTLINK_P2P_ONLY: '0', SYFTBOX_HOTLINK_QUIC_ONLY: '1' }).options.p2pOnly).toBe(true);
    expect(fromEnv({ SYFTBOX_HOTLINK_P2P_ONLY: '1', SYFTBOX_HOTLINK_QUIC_ONLY: '0' }).options.p2pOnly).toBe(true);
    expect(fromEnv({ SYFTBOX_HOTLINK_P2P_ONLY: 'true' }).options.p2pOnly).toBe(false);
  });

  it.each(['1', 'true', 'YES', 'On'])('is strict for BENCH_STRICT=%s', (text) => {
    expect(fromEnv({ SYFTBOX_HOTLINK_BENCH_STRICT: text }).options.strict).toBe(true);
  });

  it('is not strict for BENCH_STRICT=2', () => {
    expect(fromEnv({ SYFTBOX_HOTLINK_BENCH_STRICT: '2' }).options.strict).toBe(false);
  });

  it('is turned off by a main switch that is set to something else than 1', () => {
    expect(fromEnv({}).values.enabled).toBe(true);
    expect(fromEnv({ SYFTBOX_HOTLINK: '' }).values.enabled).toBe(true);
    expect(fromEnv({ SYFTBOX_HOTLINK: '1' }).values.enabled).toBe(true);
    expect(fromEnv({ SYFTBOX_HOTLINK: '0' }).values.enabled).toBe(false);
    expect(fromEnv({ SYFTBOX_HOTLINK_TCP_PROXY: '0' }).values.tcpProxy).toBe(false);
  });

  it.each([
    ['0.0.0.0', '0.0.0.0'],
    ['127.0.0.1:0', '127.0.0.1'],
    ['::1', '::1'],
    ['[::1]:13001', '::1'],
  ])('binds %s as %s', (text, address) => {
    expect(fromEnv({ SYFTBOX_HOTLINK_TCP_PROXY_ADDR: text }).options.bindAddress).toBe(address);
  });
});

describe('ICE servers', () => {
  const servers = (env: Record<string, string>) => fromEnv(env).options.iceServers;

  it('are none when the variable is set to nothing', () => {
    expect(servers({ SYFTBOX_HOTLINK_ICE_SERVERS: '' })).toEqual([]);
    expect(servers({ SYFTBOX_HOTLINK_ICE_SERVERS: 'none' })).toEqual([]);
  });

  it('are split at commas', () => {
    expect(servers({ SYFTBOX_HOTLINK_ICE_SERVERS: 'stun:a.example:3478, turn:b.example:3478?transport=udp' })).toEqual([
      'stun:a.example:3478',
      'turn:b.example:3478?transport=udp',
    ]);
  });

  it('come from the STUN variable in either upstream format when ICE_SERVERS is unset', () => {
    expect(servers({ SYFTBOX_HOTLINK_STUN_SERVER: 'stun.example:19302' })).toEqual(['stun:stun.example:19302']);
    expect(servers({ SYFTBOX_HOTLINK_STUN_SERVER: 'stun:a.example,stun:b.example' })).toEqual(['stun:a.example', 'stun:b.example']);
    for (const off of ['0', 'off', 'Disabled']) expect(servers({ SYFTBOX_HOTLINK_STUN_SERVER: off })).toEqual([]);
    expect(servers({ SYFTBOX_HOTLINK_STUN_SERVER: '' })).toBeUndefined();
    expect(servers({ SYFTBOX_HOTLINK_ICE_SERVERS: '', SYFTBOX_HOTLINK_STUN_SERVER: 'stun.example:1' })).toEqual([]);
  });

  it('lose an entry that is no ICE URL, with a warning', () => {
    const { options, warnings } = fromEnv({ SYFTBOX_HOTLINK_ICE_SERVERS: 'stun:a.example,http://b.example' });
    expect(options.iceServers).toEqual(['stun:a.example']);
    expect(warnings[0]).toContain('http://b.example');
  });
});

describe('precedence', () => {
  it('is flag, then environment, then file, then default, and each origin is told', () => {
    const { values, origins } = resolveSettings({
      flags: { mtu: '1500' },
      env: { HOTLINK_MTU: '1280', HOTLINK_THREADS: '2', SYFTBOX_HOTLINK_P2P_ONLY: '1' },
      file: { path: 'c.yaml', text: 'mtu: 900\nthreads: 1\nwindowBytes: 1048576\n' },
    });
    expect(values).toMatchObject({ mtu: 1500, threads: 2, windowBytes: 1_048_576, p2pOnly: true, chunkBytes: 61_440 });
    expect(origins.mtu).toEqual({ from: 'flag', name: '--mtu' });
    expect(origins.threads).toEqual({ from: 'environment', name: 'HOTLINK_THREADS' });
    expect(origins.windowBytes).toEqual({ from: 'file', name: 'c.yaml' });
    expect(origins.chunkBytes).toEqual({ from: 'default' });
  });

  it('lets a switch be turned off on the command line', () => {
    expect(resolveSettings({ flags: { strict: false }, env: { SYFTBOX_HOTLINK_BENCH_STRICT: '1' } }).options.strict).toBe(false);
  });

  it('refuses a flag instead of guessing', () => {
    expect(refusal(() => resolveSettings({ flags: { mtu: '9000' } }))).toMatchObject({ code: 'ERR_HLNK_USAGE' });
    expect(refusal(() => resolveSettings({ flags: { lanes: 'webrtc,quic' } })).message).toContain('quic');
  });

  it('insists on an identity and a relay', () => {
    expect(refusal(() => requireIdentity(resolveSettings({}))).message).toContain('--email');
    expect(refusal(() => requireIdentity(resolveSettings({ env: { HOTLINK_EMAIL: 'a@b.co' } }))).message).toContain('--server');
  });
});

describe('a configuration file', () => {
  it('may be YAML or JSON', () => {
    expect(file('email: a@b.co\nlanes: [relay]\niceServers: []\n').options).toMatchObject({
      email: 'a@b.co',
      lanes: ['relay'],
      iceServers: [],
    });
    expect(file('{"mtu": 1280, "strict": true}').options).toMatchObject({ mtu: 1280, strict: true });
    expect(file('').options.mtu).toBe('auto');
  });

  it.each([
    ['mtu: 1280\n\nchunk_bytes: 5000\n', 3, "unknown key 'chunk_bytes' (is 'chunkBytes' meant?)"],
    ['strcit: true\n', 1, "unknown key 'strcit' (is 'strict' meant?)"],
    ['# comment\nthreads: 0\n', 2, 'threads'],
    ['email: a@b.co\nmtu: 9000\n', 2, 'mtu: '],
    ['email: a@b.co\niceServers:\n  - http://x\n', 3, 'iceServers.0: '],
    ['channels:\n  - peer: b@c.de\n    name: x\n    listen: 127.0.0.1:0\n    colour: red\n', 5, "unknown key 'channels.0.colour'"],
    [
      'channels:\n  - peer: b@c.de\n    name: x\n  - peer: b\n    name: y\n    dial: 127.0.0.1:1\n',
      2,
      'channels.0: expected either listen or dial',
    ],
    ['{\n "mtu": 1280,\n "colour": "red"\n}', 3, "unknown key 'colour'"],
    ['mtu: 1280\nmtu: 1500\n', 2, 'unique'],
    ['- a\n- b\n', 1, 'map'],
  ])('is refused with the line named: %j', (text, line, words) => {
    const error = refusal(() => file(text));
    expect(error.code).toBe('ERR_HLNK_CONFIG');
    expect(error.message).toContain(`hotlink.yaml:${line}: `);
    expect(error.message).toContain(words);
  });

  it('does not repeat its source, which may hold a secret', () => {
    expect(refusal(() => file('token: "abc\nturnPass: hush')).message).not.toContain('hush');
    // Found by the fuzzer: these came out as errors of the YAML library.
    for (const text of ['email: *nobody', 'a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c, *c, *c]'])
      expect(refusal(() => file(text))).toMatchObject({
        code: 'ERR_HLNK_CONFIG',
        message: expect.stringMatching(/^hotlink\.yaml:1: .*alias/i),
      });
  });
});

describe('the table', () => {
  it('names every variable of the contract once', () => {
    const names = settings.flatMap((row) => row.env.map((name) => name.name));
    expect(new Set(names).size).toBe(names.length);
    const upstream = [
      '',
      '_TCP_PROXY',
      '_TCP_PROXY_ADDR',
      '_TCP_PROXY_CHUNK_SIZE',
      '_WEBRTC_BUFFERED_HIGH',
      '_WEBRTC_BACKPRESSURE_WAIT_MS',
    ];
    upstream.push('_WS_FALLBACK_GRACE_MS', '_ICE_SERVERS', '_STUN_SERVER', '_TURN_USER', '_TURN_PASS', '_P2P_ONLY', '_QUIC_ONLY');
    upstream.push('_BENCH_STRICT', '_SOCKET_ONLY', '_IPC', '_TCP_ADDR', '_STABLE_MS', '_DEBUG');
    for (const suffix of upstream) expect(names).toContain(`SYFTBOX_HOTLINK${suffix}`);
  });

  it('gives every number a range, and every default passes its own schema', () => {
    for (const row of settings) {
      if (row.default === undefined) continue;
      expect(row.schema.safeParse(row.default).success, row.key).toBe(true);
      if (typeof row.default === 'number') expect(row.range, row.key).toBeDefined();
    }
  });

  it('is the documentation', () => {
    const lines = settingsMarkdown().split('\n');
    expect(lines).toHaveLength(settings.length + 2);
    for (const line of lines) expect(line.replaceAll('\\|', '').split('|')).toHaveLength(10);
  });
});
