// What the relay knows clients by, and what it shows them of itself: secrets, tokens, the certificate; from options or from files that are
// looked at again while it runs.
// Invariant: a file that cannot be used changes nothing, and is complained about once.
import { createSecureContext } from 'node:tls';
import { HotlinkError } from '../../native-free/errors.js';
import type { Log } from '../options.js';
import { accessTokens } from './access-token.js';
import { type Authenticate, claimedIdentity } from './auth.js';
import type { Certificate } from './front.js';
import { type RelayOptions, type RelaySettings, SILENT } from './options.js';
import { parseTokenFile, staticTokens, type TokenTable } from './token-file.js';
import { WatchedFiles } from './watched-file.js';

/** RFC 7518 §3.2: a key of HS256 has at least as many bytes as its hash. */
const SECRET_BYTES = 32;

export class Credentials {
  readonly authenticate: Authenticate;
  /** Whether clients have to show anything. */
  readonly isOn: boolean;
  private readonly secrets: WatchedFiles<readonly string[]> | undefined;
  private readonly tokens: WatchedFiles<TokenTable> | undefined;
  private readonly tls: WatchedFiles<Certificate> | undefined;
  private readonly log: Log;

  private constructor(
    options: RelaySettings,
    secrets: WatchedFiles<readonly string[]> | undefined,
    tokens: WatchedFiles<TokenTable> | undefined,
    tls: WatchedFiles<Certificate> | undefined,
  ) {
    this.secrets = secrets;
    this.tokens = tokens;
    this.tls = tls;
    this.log = options.log ?? SILENT;
    const own = options.authSecret === undefined ? [] : [options.authSecret];
    const ways: Authenticate[] = [];
    if (tokens !== undefined) ways.push(staticTokens(() => tokens.value));
    if (secrets !== undefined || own.length > 0) {
      const { clockSkewSeconds, issuer } = options;
      ways.push(
        accessTokens({
          secrets: () => [...own, ...(secrets?.value ?? [])],
          ...(clockSkewSeconds === undefined ? {} : { skewSeconds: clockSkewSeconds }),
          ...(issuer === undefined ? {} : { issuer }),
        }),
      );
    }
    this.isOn = options.authenticate !== undefined || ways.length > 0;
    this.authenticate = options.authenticate ?? (ways.length === 0 ? claimedIdentity : anyOf(ways));
    if ([...own, ...(secrets?.value ?? [])].some((secret) => Buffer.byteLength(secret) < SECRET_BYTES))
      this.log.warn({}, `a secret for access tokens has less than ${SECRET_BYTES} bytes: it can be guessed from any token`);
  }

  /** @throws HotlinkError ERR_HLNK_CONFIG for files that cannot be used, and for ways that exclude each other */
  static async open(options: RelaySettings & Pick<RelayOptions, 'tls'>): Promise<Credentials> {
    const { authenticate, authSecret, secretFile, tokenFile, tls } = options;
    if (authSecret === '') throw new HotlinkError('ERR_HLNK_CONFIG', 'the secret of access tokens is empty');
    if (authenticate !== undefined && (authSecret ?? secretFile ?? tokenFile) !== undefined)
      throw new HotlinkError('ERR_HLNK_CONFIG', 'give either an authentication of your own or secrets and tokens, not both');
    return new Credentials(
      options,
      secretFile === undefined ? undefined : await WatchedFiles.open([secretFile], ([content]) => parseSecrets(String(content))),
      tokenFile === undefined ? undefined : await WatchedFiles.open([tokenFile], ([content]) => parseTokenFile(String(content))),
      tls === undefined ? undefined : await WatchedFiles.open([tls.certFile, tls.keyFile], parseCertificate),
    );
  }

  get certificate(): Certificate | undefined {
    return this.tls?.value;
  }

  /** Look at the files. @returns what is other than before */
  async look(): Promise<{ readonly identities: boolean; readonly certificate: boolean }> {
    const [secrets, tokens, certificate] = await Promise.all([this.secrets, this.tokens, this.tls].map((files) => this.lookAt(files)));
    return { identities: secrets === true || tokens === true, certificate: certificate === true };
  }

  private async lookAt(files: WatchedFiles<unknown> | undefined): Promise<boolean> {
    const { changed, problem } = (await files?.look()) ?? { changed: false };
    if (problem !== undefined) this.log.error({ problem }, 'a changed file cannot be used; what was in force stays');
    return changed;
  }
}

/** The newest first; the others are accepted as long as they stand there. */
function parseSecrets(text: string): readonly string[] {
  const secrets = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (secrets.length === 0) throw new Error('there is no secret in it');
  return secrets;
}

function parseCertificate([cert, key]: readonly Buffer[]): Certificate {
  const certificate = { cert: cert as Buffer, key: key as Buffer };
  // Says whether they belong together.
  createSecureContext(certificate);
  return certificate;
}

/** The first that knows the client; otherwise what the last one says. */
function anyOf(ways: readonly Authenticate[]): Authenticate {
  return async (request, signal) => {
    let verdict = await (ways[0] as Authenticate)(request, signal);
    for (const way of ways.slice(1)) if (!verdict.ok) verdict = await way(request, signal);
    return verdict;
  };
}
