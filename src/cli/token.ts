// `hotlink token`: makes what a client shows a relay. With --tokens a static token, whose hash is appended to the relay's file; with a secret an
// access token, which needs no file. The token alone goes to stdout; it is shown once and kept nowhere.
import { appendFile, readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { HotlinkError } from '../../native-free/errors.js';
import { isEmail } from '../../native-free/path.js';
import { mintAccessToken } from '../relay/access-token.js';
import { makeStaticToken, parseTokenFile } from '../relay/token-file.js';
import { EXIT_OK } from './exit-code.js';

const DAY_MS = 86_400_000;

interface TokenFlags {
  email: string;
  tokens?: string;
  secretFile?: string;
  days?: number;
}

/** @returns the exit code */
export async function token(command: Command): Promise<number> {
  const { email, tokens, secretFile, days } = command.opts<TokenFlags>();
  if (!isEmail(email)) throw new HotlinkError('ERR_HLNK_USAGE', `"${email}" is no e-mail address that a relay takes`);
  if (tokens !== undefined && secretFile !== undefined)
    throw new HotlinkError('ERR_HLNK_USAGE', 'give --tokens for a static token or --secret-file for an access token, not both');
  const nowMs = Date.now();
  const expiresAtMs = days === undefined ? undefined : nowMs + days * DAY_MS;
  const made =
    tokens === undefined ? await accessToken(email, secretFile, nowMs, expiresAtMs) : await staticToken(email, tokens, expiresAtMs);
  process.stdout.write(`${made}\n`);
  return EXIT_OK;
}

async function staticToken(email: string, file: string, expiresAtMs: number | undefined): Promise<string> {
  const { token, line } = makeStaticToken(email, expiresAtMs);
  const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw new HotlinkError('ERR_HLNK_CONFIG', `${file} cannot be read (${error.code})`, { cause: error });
  });
  try {
    parseTokenFile(before);
    await appendFile(file, `${before === '' || before.endsWith('\n') ? '' : '\n'}${line}`, { mode: 0o600 });
  } catch (error) {
    throw new HotlinkError('ERR_HLNK_CONFIG', `${file}: ${(error as Error).message}; nothing was added`, { cause: error });
  }
  return token;
}

async function accessToken(email: string, secretFile: string | undefined, nowMs: number, expiresAtMs: number | undefined): Promise<string> {
  const secret = secretFile === undefined ? process.env['HOTLINK_RELAY_AUTH_SECRET'] : await newestSecret(secretFile);
  if (secret === undefined || secret === '')
    throw new HotlinkError(
      'ERR_HLNK_USAGE',
      'give --tokens for a static token, or --secret-file (or HOTLINK_RELAY_AUTH_SECRET) for an access token',
    );
  return mintAccessToken(email, secret, nowMs, expiresAtMs);
}

async function newestSecret(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new HotlinkError('ERR_HLNK_CONFIG', `${file} cannot be read (${error.code})`, { cause: error });
  });
  return text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '' && !line.startsWith('#'));
}
