// Asks the running daemon of a data directory. Main thread.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { HotlinkError, type HotlinkErrorCode } from '../../native-free/errors.js';
import { type AdminAddress, readAddress } from './address.js';
import { readHolder } from './directory-lock.js';
import { parsePrintable, printable } from './printable.js';
import { livenessOf } from './process-identity.js';
import type { DaemonReport } from './report.js';

/** A daemon answers at once, unless it stands still. */
const ANSWER_MS = 5000;

export interface AskOptions {
  method?: 'GET' | 'POST';
  /** How long the answer may take to begin, ms. */
  patienceMs?: number;
  signal?: AbortSignal;
}

export class AdminClient {
  readonly address: AdminAddress;

  private constructor(address: AdminAddress) {
    this.address = address;
  }

  /**
   * Finds the daemon of a data directory; it need not answer.
   * @throws HotlinkError `ERR_HLNK_RELAY_UNAVAILABLE` when none is running there, saying what was found instead
   */
  static async find(dataDir: string): Promise<AdminClient> {
    const address = await readAddress(dataDir);
    if (address !== undefined) return new AdminClient(address);
    const holder = await readHolder(dataDir).catch(() => undefined);
    if (holder !== undefined && livenessOf(holder) === 'alive')
      throw unavailable(`the daemon of ${dataDir} (process ${holder.pid}) has no admin endpoint; start it without --admin off`);
    throw unavailable(`no daemon is running on the data directory ${dataDir}; start one with: hotlink up --data ${dataDir}`);
  }

  /**
   * @typeParam T a daemon's report, or where `address.kind` says so a relay's
   * @throws HotlinkError `ERR_HLNK_RELAY_UNAVAILABLE` when it does not answer
   */
  async status<T = DaemonReport>(signal?: AbortSignal): Promise<T> {
    return parsePrintable<T>(await this.#text('/status', signal === undefined ? {} : { signal }));
  }

  /** @throws HotlinkError `ERR_HLNK_RELAY_UNAVAILABLE` when it does not answer, the daemon's own error when it refuses */
  async json<T>(path: string, options: AskOptions = {}): Promise<T> {
    return JSON.parse(await this.#text(path, options)) as T;
  }

  /** The reports of a daemon, or a relay, one every `everyMs`, until it leaves or `signal` aborts. */
  async *reports<T = DaemonReport>(everyMs: number, signal: AbortSignal): AsyncGenerator<T> {
    const response = await this.#ask(`/events?status=${everyMs}&after=${Number.MAX_SAFE_INTEGER}`, { signal });
    response.setEncoding('utf8');
    let waiting = '';
    try {
      for await (const bytes of response) {
        waiting += String(bytes);
        for (let end = waiting.indexOf('\n\n'); end >= 0; end = waiting.indexOf('\n\n')) {
          const block = waiting.slice(0, end);
          waiting = waiting.slice(end + 2);
          if (block.startsWith('event: status\ndata: ')) yield parsePrintable<T>(block.slice('event: status\ndata: '.length));
        }
      }
    } catch (error) {
      if (!signal.aborted) throw unavailable(`the daemon (process ${this.address.pid}) is gone`, error);
    }
  }

  async #text(path: string, options: AskOptions): Promise<string> {
    const response = await this.#ask(path, options);
    const text = await textOf(response);
    const { statusCode = 0 } = response;
    if (statusCode < 400 || statusCode === 503) return text;
    const { code, error } = JSON.parse(text) as { error?: string; code?: HotlinkErrorCode };
    throw new HotlinkError(code ?? 'ERR_HLNK_USAGE', printable(error ?? `the daemon answered ${statusCode}`));
  }

  #ask(path: string, { method = 'GET', patienceMs = ANSWER_MS, signal }: AskOptions): Promise<IncomingMessage> {
    const { socket, url, token, pid } = this.address;
    const where = socket === undefined ? new URL(path, url) : { socketPath: socket, path };
    return new Promise((resolve, reject) => {
      const headers = { host: 'localhost', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
      const options = { method, headers, ...(signal === undefined ? {} : { signal }) };
      const asked = where instanceof URL ? httpRequest(where, options, resolve) : httpRequest({ ...where, ...options }, resolve);
      const patience = setTimeout(() => asked.destroy(new Error(`no answer within ${patienceMs} ms`)), patienceMs);
      asked.on('response', () => clearTimeout(patience));
      asked.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(patience);
        if (signal?.aborted) reject(new HotlinkError('ERR_HLNK_CLOSED', 'interrupted', { cause: error }));
        else if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
          reject(unavailable(`the daemon that was there (process ${pid}) is gone and left its files behind; start it again`, error));
        else reject(unavailable(`the daemon (process ${pid}) does not answer: ${error.message}`, error));
      });
      asked.end();
    });
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const part of response) text += part as string;
  return text;
}

/** The closed set of codes has one for "what you want to talk to is not there". */
function unavailable(message: string, cause?: unknown): HotlinkError {
  return new HotlinkError('ERR_HLNK_RELAY_UNAVAILABLE', message, { cause });
}
