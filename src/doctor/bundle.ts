// The archive for a bug report: what doctor found, the daemon's status, the telemetry file, the settings and the versions, redacted. Main thread.
import { readFileSync, writeFileSync } from 'node:fs';
import { homedir, hostname, release, userInfo } from 'node:os';
import { gzipSync } from 'node:zlib';
import { HotlinkError } from '../../native-free/errors.js';
import type { DaemonReport } from '../admin/index.js';
import { type Resolved, settings } from '../config/index.js';
import { telemetryPath } from '../telemetry/index.js';
import { version } from '../version.js';
import type { Check } from './check.js';
import { redactor } from './redact.js';
import { tar } from './tar.js';

export interface BundleParts {
  checks: readonly Check[];
  report: DaemonReport | undefined;
  resolved: Resolved;
  dataDir: string | undefined;
}

/** @returns the names of the files in it @throws HotlinkError `ERR_HLNK_USAGE` when `path` cannot be written */
export function writeBundle(path: string, { checks, report, resolved, dataDir }: BundleParts): string[] {
  const secrets = settings.flatMap(({ key, secret }) =>
    secret && resolved.values[key] !== undefined ? [String(resolved.values[key])] : [],
  );
  const redact = redactor({ secrets, host: hostname(), user: userInfo().username, home: homedir() });
  const shown = settings.map(({ key, secret }) => {
    const value = resolved.values[key];
    return { key, value: secret && value !== undefined ? 'MASKED' : value, ...resolved.origins[key] };
  });
  const email = report?.email ?? resolved.values.email;
  const telemetry = dataDir === undefined || email === undefined ? undefined : quiet(telemetryPath(dataDir, email));
  const about = { hotlink: version(), versions: process.versions, platform: process.platform, arch: process.arch, release: release() };
  const contents: [string, unknown][] = [
    ['about.json', about],
    ['checks.json', checks],
    ['settings.json', shown],
    ['status.json', report],
    ['telemetry.json', telemetry],
  ];
  const files = contents
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ name: `hotlink-report/${name}`, content: `${redact(JSON.stringify(value, null, 1))}\n` }));
  try {
    writeFileSync(path, gzipSync(tar(files, Date.now() / 1000)), { mode: 0o600 });
  } catch (error) {
    throw new HotlinkError('ERR_HLNK_USAGE', `${path} cannot be written (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
  return files.map(({ name }) => name);
}

function quiet(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
