// A real TURN server on a host of a network: coturn's `turnserver`, told everything on its command line. Its log goes to a file in a temporary
// directory, which the test may read; the process ends with its host.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Namespace } from '../../perf/namespace.js';
import { until } from '../support/sandbox.js';

/** @returns why there is no TURN server here; undefined when there is one */
export function coturnUnavailable(): string | undefined {
  try {
    execFileSync('turnserver', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no turnserver (Debian package coturn)';
  }
}

export class Coturn implements Disposable {
  readonly url: string;
  readonly #directory: string;

  private constructor(url: string, directory: string) {
    this.url = url;
    this.#directory = directory;
  }

  /** @param access `--user=NAME:PASSWORD` entries, or `--use-auth-secret` with its secret */
  static async start(host: Namespace, address: string, access: readonly string[]): Promise<Coturn> {
    const directory = mkdtempSync(join(tmpdir(), 'hotlink-coturn-'));
    const turn = new Coturn(`turn:${address}:3478?transport=udp`, directory);
    const flags = ['-n', '--no-cli', '--no-tls', '--no-dtls', '--no-tcp-relay', '--realm=lab', '--lt-cred-mech', '--verbose'];
    const files = [
      `--log-file=${join(directory, 'log')}`,
      '--simple-log',
      `--pidfile=${join(directory, 'pid')}`,
      `--userdb=${join(directory, 'db')}`,
    ];
    const child = host.spawn('turnserver', [...flags, ...files, `--listening-ip=${address}`, `--relay-ip=${address}`, ...access], {
      stdio: 'ignore',
    });
    let left = false;
    child.once('exit', () => {
      left = true;
    });
    await until('the TURN server listens', () => left || host.run('ss', '-Hlun', 'sport = :3478').includes(':3478'), 10_000);
    if (left) throw new Error(`turnserver left at once:\n${turn.log}`);
    return turn;
  }

  get log(): string {
    try {
      return readFileSync(join(this.#directory, 'log'), 'utf8');
    } catch {
      return '';
    }
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
