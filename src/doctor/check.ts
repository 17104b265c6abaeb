// What a check of `hotlink doctor` says: a verdict, what was found, and what to do about it.
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-code.js';

/** `skip`: it could not be tried here; `warn`: it works, but not as well as it might. */
export type Verdict = 'ok' | 'warn' | 'fail' | 'skip';

export interface Check {
  name: string;
  verdict: Verdict;
  /** What was found, one sentence. */
  detail: string;
  /** What to do, where something is to be done. */
  hint?: string;
  /** Exit code of the command if this one fails. Default 1. */
  exitCode?: number;
}

export function check(name: string, verdict: Verdict, detail: string, hint?: string, exitCode?: number): Check {
  return { name, verdict, detail, ...(hint === undefined ? {} : { hint }), ...(exitCode === undefined ? {} : { exitCode }) };
}

/** The first failure decides. */
export function exitCodeOfChecks(checks: readonly Check[]): number {
  const failed = checks.find(({ verdict }) => verdict === 'fail');
  return failed === undefined ? EXIT_OK : (failed.exitCode ?? EXIT_FAILED);
}
