// One party of a burst: the real `hotlink up` in a process of its own, with its own data directory and the environment the scenario pins.
import { createWriteStream, type WriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { HotlinkError, type HotlinkErrorCode } from '../../native-free/errors.js';
import { type Telemetry, telemetryPath } from '../telemetry/index.js';
import { Child, type ChildExit } from './child.js';

const cliEntry = fileURLToPath(new URL('../cli/main.js', import.meta.url));

/** The daemon writes its file when a socket closes, and every three seconds whatever happens. */
const TELEMETRY_WAIT_MS = 5000;

export interface PartyOptions {
  email: string;
  server: string;
  dataDir: string;
  /** Settings on top of a clean environment: nothing of the caller's hotlink settings leaks in. */
  settings: Readonly<Record<string, string>>;
  logDir?: string;
}

export class Party {
  readonly email: string;
  readonly #dataDir: string;
  readonly #child: Child;
  readonly #log: WriteStream | undefined;
  #ready = false;
  #stopping = false;
  /** Rejects when the process leaves before it was asked to; never resolves. */
  readonly failed: Promise<never>;
  readonly #whenReady: Promise<void>;

  constructor(options: PartyOptions) {
    this.email = options.email;
    this.#dataDir = options.dataDir;
    this.#log = options.logDir === undefined ? undefined : createWriteStream(join(options.logDir, `${options.email}.log`));
    let announce: () => void = () => undefined;
    this.#whenReady = new Promise((resolve) => {
      announce = resolve;
    });
    this.#child = new Child({
      name: options.email,
      entry: cliEntry,
      args: ['up', '--with-parent', '--email', options.email, '--server', options.server, '--data', options.dataDir],
      env: { ...cleanEnvironment(), ...options.settings },
      onStdoutLine: (line) => {
        if (line !== 'ready') return;
        this.#ready = true;
        announce();
      },
      onStderrLine: (line) => this.#log?.write(`${line}\n`),
    });
    this.failed = this.#child.exited.then((exit) => {
      this.#log?.end();
      if (this.#stopping) return new Promise<never>(() => undefined);
      throw this.#earlyExit(exit);
    });
    this.failed.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves when the daemon said so. */
  async ready(): Promise<void> {
    if (!this.#ready) await Promise.race([this.#whenReady, this.failed]);
  }

  /** The telemetry file as it is now; undefined while there is none. */
  async telemetry(): Promise<Telemetry | undefined> {
    try {
      return JSON.parse(await readFile(telemetryPath(this.#dataDir, this.email), 'utf8')) as Telemetry;
    } catch {
      return undefined;
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#child.stop();
  }

  /** The daemon's exit code says what kind of failure it was; its last lines say which session, path and sequence number. */
  #earlyExit(exit: ChildExit): HotlinkError {
    const code: HotlinkErrorCode = exit.code === 75 ? 'ERR_HLNK_STRICT' : 'ERR_HLNK_INTERNAL';
    const how = exit.code === null ? `was ended by ${exit.signal ?? 'an error'}` : `left with exit code ${exit.code}`;
    const words = this.#child.lastLines.slice(-12).map((line) => `    ${plainLogLine(line)}`);
    return new HotlinkError(
      code,
      `${this.email} ${how} in the middle of the run${words.length ? `; its last words:\n${words.join('\n')}` : ''}`,
    );
  }
}

/** Waits for a file written after the sockets closed, in which the counters have arrived; in the end takes what there is. */
export async function telemetryAfter(
  party: Party,
  endedMs: number,
  counted: (file: Telemetry) => boolean = () => true,
): Promise<Telemetry | undefined> {
  const giveUpMs = performance.now() + TELEMETRY_WAIT_MS;
  for (;;) {
    const file = await party.telemetry();
    if ((file && file.updated_ms >= endedMs && counted(file)) || performance.now() > giveUpMs) return file;
    await Promise.race([delay(50), party.failed]);
  }
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name === 'SYFTBOX_HOTLINK_DEBUG' || !/^(SYFTBOX_)?HOTLINK(_|$)/.test(name)),
  );
}

/** A daemon with a pipe for stderr logs JSON; people read this. */
function plainLogLine(line: string): string {
  try {
    const { level: _level, time: _time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const rest = Object.entries(fields).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
    return [msg, ...rest].join(' ');
  } catch {
    return line;
  }
}
