// What configuration amounts to once every source has been read: the data plane's options plus the few switches only the command line cares for.
// Keys are the same in a configuration file, in the settings table and in `HotlinkSettings`.
import type { HotlinkSettings } from '../options.js';

/** Options that a person can set from outside; ports are objects and cannot come from a file; `identityDir` follows the data directory. */
type Configurable = Omit<HotlinkSettings, 'email' | 'server' | 'identityDir'>;

/** One ad-hoc channel, as `hotlink forward` takes it. */
export interface ChannelConfig {
  peer: string;
  name: string;
  listen?: string;
  dial?: string;
  rendezvous?: boolean;
}

export interface Values extends Configurable {
  email?: string;
  server?: string;
  /** Upstream's main switch. Running the daemon at all is the wish for it, so only an explicit other value turns it off. */
  enabled: boolean;
  /** Log at debug level. */
  debug: boolean;
  /** Least level that is logged; `debug` wins. */
  logLevel?: 'debug' | 'info' | 'warn' | 'error';
  /** Channels without markers, from a configuration file only. */
  channels?: ChannelConfig[];
  /** Where the admin endpoint listens: `auto`, `off` or a loopback `host:port`. */
  admin: string;
  /** Upstream's word with nothing behind it here; read so that a shared environment gives no surprise. */
  quic: boolean;
  /** Undefined: as good as true. */
  authEnabled?: boolean;
  /** What a relay advertises. */
  turnHost?: string;
  turnPort: number;
  /** Upstream's words with nothing behind them here, as above. */
  latencyTrace: boolean;
  bench: boolean;
  priorityDebounceMs: number;
  aclStagingGraceMs: number;
}

export type ValueKey = keyof Values;
