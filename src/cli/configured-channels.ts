// The channels of a configuration file, kept open: those that are new are opened, those that are gone are closed, and one that cannot be
// opened yet (the relay is away, the port is taken) is tried again. Main thread.
import { HotlinkError } from '../../native-free/errors.js';
import type { ChannelConfig } from '../config/index.js';
import type { ForwardChannel } from '../forward.js';
import type { Hotlink } from '../hotlink.js';
import type { Log } from '../options.js';

/** Between two tries to open a channel, ms; doubling. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

interface Wanted {
  config: ChannelConfig;
  opened: ForwardChannel | undefined;
  timer: NodeJS.Timeout | undefined;
  gone: boolean;
}

export class ConfiguredChannels {
  readonly #link: Hotlink;
  readonly #log: Log;
  readonly #wanted = new Map<string, Wanted>();

  constructor(link: Hotlink, log: Log) {
    this.#link = link;
    this.#log = log;
  }

  /** Makes the channels those of `configs`. @returns how many came and went; what cannot be opened at once is tried on */
  async apply(configs: readonly ChannelConfig[]): Promise<{ added: number; removed: number }> {
    const ids = new Set(configs.map(idOf));
    const gone = [...this.#wanted].filter(([id]) => !ids.has(id));
    await Promise.all(gone.map(([id]) => this.#remove(id)));
    const fresh = configs.filter((config) => !this.#wanted.has(idOf(config)));
    await Promise.all(fresh.map((config) => this.#add(config)));
    return { added: fresh.length, removed: gone.length };
  }

  /** Stops trying. The channels themselves end with the data plane. */
  stop(): void {
    for (const wanted of this.#wanted.values()) {
      wanted.gone = true;
      clearTimeout(wanted.timer);
    }
  }

  async #add(config: ChannelConfig): Promise<void> {
    const wanted: Wanted = { config, opened: undefined, timer: undefined, gone: false };
    this.#wanted.set(idOf(config), wanted);
    await this.#open(wanted, FIRST_RETRY_MS);
  }

  async #open(wanted: Wanted, retryMs: number): Promise<void> {
    const { peer, name } = wanted.config;
    try {
      const opened = await this.#link.forward(wanted.config);
      if (wanted.gone) await opened.close();
      else wanted.opened = opened;
    } catch (error) {
      if (wanted.gone) return;
      const reason = error instanceof HotlinkError ? error.message : String(error);
      const code = error instanceof HotlinkError ? error.code : 'ERR_HLNK_INTERNAL';
      this.#log.warn({ peer, name, code, reason, retryMs }, 'configured channel cannot be opened; trying again');
      wanted.timer = setTimeout(() => void this.#open(wanted, Math.min(LAST_RETRY_MS, retryMs * 2)), retryMs).unref();
    }
  }

  async #remove(id: string): Promise<void> {
    const wanted = this.#wanted.get(id);
    if (wanted === undefined) return;
    this.#wanted.delete(id);
    wanted.gone = true;
    clearTimeout(wanted.timer);
    await wanted.opened?.close();
  }
}

/** Two channels are the same when everything about them is. */
function idOf({ peer, name, listen, dial, rendezvous }: ChannelConfig): string {
  return JSON.stringify([peer, name, listen, dial, rendezvous]);
}
