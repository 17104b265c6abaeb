// The admin endpoint of `hotlink relay`, for as long as it has the data directory to itself. Several relays may share one, for their ACLs: the first
// has the endpoint.
import { HotlinkError } from '../../native-free/errors.js';
import { type AdminServer, adminListen, DirectoryLock, startRelayAdmin } from '../admin/index.js';
import type { Log } from '../options.js';
import type { RelayServer } from '../relay/index.js';
import { version } from '../version.js';

export interface RelayAdmin extends AsyncDisposable {
  /** Resolves when the endpoint is open, when it is known that there will be none, or when that takes longer than anybody should wait for. */
  readonly settled: Promise<void>;
}

/**
 * @param setting the `admin` setting
 * @throws HotlinkError `ERR_HLNK_CONFIG` for a setting that cannot be used
 */
export function openRelayAdmin(setting: string, relay: RelayServer, dataDir: string | undefined, log: Log): RelayAdmin {
  if (dataDir === undefined) {
    if (setting !== 'auto' && setting !== 'off')
      throw new HotlinkError('ERR_HLNK_CONFIG', 'an admin endpoint needs a data directory, where its token is kept: give --data');
    return { settled: Promise.resolve(), [Symbol.asyncDispose]: async () => {} };
  }
  const listen = adminListen(setting, dataDir);
  const abort = new AbortController();
  let endpoint: AdminServer | undefined;
  let lock: DirectoryLock | undefined;
  let waits = (): void => {};
  // Another machine's lock is watched for seconds before it is taken for dead; the relay serves meanwhile.
  const waiting = new Promise<void>((resolve) => {
    waits = resolve;
  });
  const open = async (): Promise<void> => {
    if (listen === undefined) return;
    try {
      lock = await DirectoryLock.acquire(dataDir, { email: 'relay', verb: 'relay', signal: abort.signal, onWait: () => waits() });
      endpoint = await startRelayAdmin({ listen, relay, dataDir, version: version(), log });
    } catch (error) {
      if (abort.signal.aborted) return;
      // The relay is of use without it.
      log.warn({ dataDir, reason: (error as Error).message }, 'no admin endpoint');
    }
  };
  const opened = open();
  return {
    settled: Promise.race([opened, waiting]),
    async [Symbol.asyncDispose]() {
      abort.abort();
      await opened;
      await endpoint?.close();
      await lock?.release();
    },
  };
}
