// Does the relay let a channel's session through? Its opener needs write on the path, the other side read (README). Asked of the relay's own
// ACL check, which upstream's server has too. Main thread.
import { EXIT_DENIED } from '../cli/exit-code.js';
import { type Check, check } from './check.js';

const READ = 1;
const WRITE = 4;
const ASK_MS = 5000;
/** A person reads the first few; the others fail for the same reason. */
const MAX_PATHS = 8;

export interface AclQuestion {
  server: string;
  email: string;
  token: string | undefined;
  /** Our own copy of a channel's directory, and who is at the other end. */
  channels: readonly { path: string; peer: string }[];
}

export async function aclChecks({ server, email, token, channels }: AclQuestion): Promise<Check[]> {
  if (channels.length === 0) return [check('acl', 'skip', 'no channel is known here whose path could be looked up (--data, --path)')];
  return await Promise.all(
    channels.slice(0, MAX_PATHS).map(async ({ path, peer }) => {
      const name = `acl ${path}`;
      const [write, read] = await Promise.all([ask(server, token, email, email, path, WRITE), ask(server, token, email, peer, path, READ)]);
      if (write === undefined || read === undefined) return check(name, 'skip', 'the relay has no ACL check');
      if (write && read) return check(name, 'ok', `${email} may write and ${peer} may read`);
      const missing = [write ? [] : [`${email} may not write`], read ? [] : [`${peer} may not read`]].flat().join(', ');
      const hint = `grant it in syft.pub.yaml of that directory at the relay: read for ${peer}, write for ${email}`;
      return check(name, 'fail', `the relay says: ${missing}`, hint, EXIT_DENIED);
    }),
  );
}

/** @returns undefined when the relay has no such question */
async function ask(
  server: string,
  token: string | undefined,
  self: string,
  user: string,
  path: string,
  level: number,
): Promise<boolean | undefined> {
  try {
    const url = new URL(server);
    url.protocol = url.protocol.replace(/^ws/, 'http');
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/acl/check`;
    url.search = new URLSearchParams({ user, path, level: String(level) }).toString();
    const headers = { 'X-Syft-User': self, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) };
    const { status } = await fetch(url, { headers, signal: AbortSignal.timeout(ASK_MS) });
    if (status === 200) return true;
    return status === 403 ? false : undefined;
  } catch {
    return undefined;
  }
}
