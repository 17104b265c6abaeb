// What a test needs and this machine may lack. The test is skipped with the reason, and fails when HOTLINK_REQUIRE=all says that nothing may lack.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param reason why the tests cannot run here; undefined when they can
 * @returns whether to skip them
 * @throws Error under HOTLINK_REQUIRE=all
 */
export function absent(what: string, reason: string | undefined): boolean {
  if (reason === undefined) return false;
  if (process.env['HOTLINK_REQUIRE'] === 'all') throw new Error(`HOTLINK_REQUIRE=all: ${what}: ${reason}`);
  process.stderr.write(`skipped: ${what}: ${reason}\n`);
  return true;
}

/** @returns whether the PATH has a program of this name */
export function have(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)));
}
