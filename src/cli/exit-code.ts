// Exit codes of the `hotlink` command: part of the contract, so that scripts can tell a refusal from a failure.
import type { HotlinkErrorCode } from '../../native-free/errors.js';

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_UNAVAILABLE = 69;
export const EXIT_STRICT = 75;
export const EXIT_DENIED = 77;
export const EXIT_CONFIG = 78;

const exitCodes: Readonly<Partial<Record<HotlinkErrorCode, number>>> = {
  ERR_HLNK_USAGE: EXIT_USAGE,
  ERR_HLNK_RELAY_UNAVAILABLE: EXIT_UNAVAILABLE,
  ERR_HLNK_PEER_UNAVAILABLE: EXIT_UNAVAILABLE,
  ERR_HLNK_STRICT: EXIT_STRICT,
  ERR_HLNK_AUTH: EXIT_DENIED,
  ERR_HLNK_DENIED: EXIT_DENIED,
  ERR_HLNK_CONFIG: EXIT_CONFIG,
  ERR_HLNK_LOCKED: EXIT_CONFIG,
};

/** Every code that has none of its own is a failure at run time. */
export function exitCodeOf(code: HotlinkErrorCode): number {
  return exitCodes[code] ?? EXIT_FAILED;
}
