// The NAT scenario of deploy/nat: two parties without a common network, a relay and a TURN server with a leg in each. The compose file cannot be run
// here; it is read, and what it says of networks, settings and commands is done with namespaces instead. Names become addresses in /etc/hosts of a host.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Namespace } from '../../perf/namespace.js';
import { absent } from '../support/absent.js';
import { until } from '../support/sandbox.js';
import { coturnUnavailable } from './coturn.js';
import { Network, networkUnavailable } from './network.js';
import type { Verdict } from './party.js';

interface Service {
  command: string[];
  environment?: Record<string, string>;
  networks: string[];
}
interface Compose {
  services: Record<'relay' | 'turn' | 'alice' | 'bob', Service>;
  networks: Record<string, unknown>;
}

const root = new URL('../../..', import.meta.url).pathname;
const compose = parse(readFileSync(join(root, 'deploy/nat/compose.yaml'), 'utf8'), { merge: true }) as Compose;
const skip = absent('the compose scenario in namespaces', networkUnavailable() ?? coturnUnavailable());

describe('the compose file', () => {
  it('gives the parties no common network, and the relay and the TURN server a leg in each', () => {
    const { relay, turn, alice, bob } = compose.services;
    const networks = Object.keys(compose.networks);
    expect(alice.networks.filter((name) => bob.networks.includes(name))).toEqual([]);
    for (const { networks: legs } of [relay, turn]) expect([...legs].sort()).toEqual(networks.sort());
  });

  it('runs what the repository has, with one secret for relay and TURN server', () => {
    const { relay, turn, alice, bob } = compose.services;
    for (const { command } of [relay, alice, bob]) expect(() => readFileSync(join(root, command[1] as string))).not.toThrow();
    expect(turn.command).toContain(`--static-auth-secret=${relay.environment?.['HOTLINK_RELAY_TURN_SECRET']}`);
  });

  it('comes with a script that a shell can read', () => {
    execFileSync('bash', ['-n', join(root, 'deploy/nat/run.sh')]);
  });
});

/** The services as hosts, their names known to each other. Each has an address per network, `10.77.<network>.<host>`. */
class Services implements Disposable {
  readonly #network = new Network();
  readonly #hosts = new Map<string, Namespace>();
  readonly #directory = mkdtempSync(join(tmpdir(), 'hotlink-compose-'));

  constructor() {
    try {
      const names = Object.keys(compose.services);
      Object.keys(compose.networks).forEach((network, subnet) => {
        const lan = this.#network.switch(network);
        const members = Object.entries(compose.services).filter(([, { networks }]) => networks.includes(network));
        const addressOf = (name: string): string => `10.77.${subnet}.${names.indexOf(name) + 1}`;
        for (const [name] of members) {
          const host = this.#hosts.get(name) ?? this.#network.host(name);
          this.#hosts.set(name, host);
          this.#network.plug(host, lan, { as: `eth${subnet}`, addresses: [`${addressOf(name)}/24`] });
        }
        // A container of one network sees the others of that network, under their names.
        const hosts = members.map(([name]) => `${addressOf(name)} ${name}\n`).join('');
        for (const [name, { networks }] of members)
          if (networks.length === 1) writeFileSync(join(this.#directory, name), `127.0.0.1 localhost\n${hosts}`);
      });
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Starts a service as its container would be: its own names, its own settings, nothing of ours. */
  start(name: keyof Compose['services'], command: readonly string[]): { child: ChildProcess; printed: () => string } {
    const { networks, environment } = compose.services[name];
    const host = this.#hosts.get(name) as Namespace;
    const names = networks.length === 1 ? `mount --bind '${join(this.#directory, name)}' /etc/hosts && ` : '';
    const child = host.spawn('unshare', ['--mount', 'sh', '-c', `${names}exec "$0" "$@"`, ...command], {
      cwd: root,
      env: { PATH: process.env['PATH'], HOME: this.#directory, TMPDIR: this.#directory, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    child.stdout?.on('data', (data) => {
      text += data;
    });
    child.stderr?.on('data', (data) => {
      text += data;
    });
    return { child, printed: () => text };
  }

  /** Where coturn keeps what its container has places for. */
  get coturnFiles(): string[] {
    return [`--userdb=${join(this.#directory, 'turndb')}`, `--pidfile=${join(this.#directory, 'turn.pid')}`];
  }

  [Symbol.dispose](): void {
    this.#network.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

describe.skipIf(skip)('the compose scenario in namespaces (needs root, iproute2, nft and coturn)', () => {
  it('carries both streams through TURN, with the credentials the relay made', { timeout: 120_000 }, async () => {
    using services = new Services();
    const turn = services.start('turn', ['turnserver', ...compose.services.turn.command, ...services.coturnFiles]);
    const relay = services.start('relay', compose.services.relay.command);
    await until('the relay listens', () => relay.printed().includes('listening'), 20_000);
    const parties = (['alice', 'bob'] as const).map((name) => services.start(name, compose.services[name].command));
    await until('both parties have left', () => parties.every(({ child }) => child.exitCode !== null), 90_000);
    for (const { child, printed } of parties) {
      const line = printed()
        .split('\n')
        .find((one) => one.includes('"bytesRight"'));
      expect(line, `${printed()}\n${turn.printed()}`).toBeDefined();
      const verdict = JSON.parse(line as string) as Verdict;
      expect(verdict, `${printed()}\n${turn.printed()}`).toMatchObject({ receivedBytes: 4_000_000, bytesRight: true, lane: 'webrtc' });
      expect([verdict.candidates?.local, verdict.candidates?.remote]).toContain('relay');
      expect(child.exitCode, printed()).toBe(0);
    }
  });
});
