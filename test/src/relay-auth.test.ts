// Who may come to a relay that asks: access tokens and their rotation, static tokens, an embedder's own way, a certificate that is replaced while
// clients are connected, and a command line that does not open a relay to everybody by mistake.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createCertificate } from '../../src/control/certificate.js';
import { relayChecks } from '../../src/doctor/relay.js';
import { createHotlink, type HotlinkError } from '../../src/index.js';
import { type Identity, mintAccessToken, type RelayOptions, type RelayServer, startRelay } from '../../src/relay/index.js';
import { checkStaticToken, makeStaticToken, parseTokenFile } from '../../src/relay/token-file.js';
import { RelayClient } from './relay-client.js';

const run = promisify(execFile);
const entry = join(import.meta.dirname, '../../src/cli/main.js');
const ALICE = 'alice@example.com';
const BOB = 'bob@example.com';
const OLD = 'an old secret of more than thirty-two bytes';
const NEW = 'a new secret of more than thirty-two bytes!';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: Partial<RelayOptions> = {}): Promise<RelayServer> {
  const relay = await startRelay({ listen: '127.0.0.1:0', ...options });
  cleanups.push(() => relay.close());
  return relay;
}

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'relay-auth-'));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function come(relay: RelayServer, user: string, token?: string): Promise<RelayClient> {
  const client = await RelayClient.connect(relay, user, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  cleanups.push(() => client.socket.terminate());
  return client;
}

async function farewell(client: RelayClient): Promise<[number, string]> {
  const [code, reason] = (await once(client.socket, 'close')) as [number, Buffer];
  return [code, reason.toString()];
}

/** A token with these claims, signed or not. */
function forged(header: object, claims: object, signature = ''): string {
  const [head, body] = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  return `${head}.${body}.${signature}`;
}

describe('access tokens', () => {
  it.each([
    ['without a signature', forged({ alg: 'none' }, { type: 'access', sub: ALICE }), 'not HS256|malformed'],
    ['of another algorithm', forged({ alg: 'HS512' }, { type: 'access', sub: ALICE }, 'AAAA'), 'not HS256'],
    ['of another server', mintAccessToken(ALICE, 'somebody else’s secret, also quite long', Date.now()), 'not signed by this server'],
    ['that expired beyond the skew of clocks', mintAccessToken(ALICE, NEW, Date.now(), Date.now() - 31_000), 'expired'],
    ['for nobody', mintAccessToken('nobody', NEW, Date.now()), 'no e-mail'],
    ['that are none', 'hello', 'malformed'],
  ])('%s are refused with the reason', async (_what, token, reason) => {
    const relay = await start({ authSecret: NEW });
    await expect(come(relay, ALICE, token)).rejects.toThrow(new RegExp(`^401 .*(${reason})`));
    expect(relay.stats()).toMatchObject({ authFailures: 1, connections: 0 });
  });

  it('say who somebody is, whatever the query claims, and are good within the skew of clocks', async () => {
    const relay = await start({ authSecret: NEW });
    const client = await come(relay, BOB, mintAccessToken(ALICE, NEW, Date.now(), Date.now() - 5000));
    client.send({ typ: 9, sid: '0123456789abcdef', pth: `${ALICE}/f` });
    expect(await client.settled()).toEqual([]);
  });

  it('of somebody else end a daemon instead of leaving it waiting, and doctor says whose they are', async () => {
    const relay = await start({ authSecret: NEW });
    const token = mintAccessToken(BOB, NEW, Date.now());
    const link = createHotlink({ email: ALICE, server: relay.url, token });
    cleanups.push(() => link.stop());
    const fatal = new Promise<HotlinkError>((resolve) => link.on('fatal', resolve));
    await link.start();
    expect(await fatal).toMatchObject({ code: 'ERR_HLNK_AUTH', message: expect.stringContaining(`the token is that of ${BOB}`) });
    const { checks } = await relayChecks(relay.url, ALICE, token);
    expect(checks).toContainEqual(expect.objectContaining({ name: 'login', verdict: 'fail', detail: expect.stringContaining(BOB) }));
  });

  it('of another issuer or another kind are refused', async () => {
    const relay = await start({ authSecret: NEW, issuer: 'https://id.example' });
    await expect(come(relay, ALICE, mintAccessToken(ALICE, NEW, Date.now()))).rejects.toThrow(/^401 .*\\"iss\\" is not accepted/);
    const any = await start({ authSecret: NEW });
    const { SignJWT } = await import('jose');
    const sign = (claims: Record<string, string>) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setSubject(ALICE).setIssuer('https://id.example').sign(Buffer.from(NEW));
    await expect(come(any, ALICE, await sign({ type: 'refresh' }))).rejects.toThrow(/^401 .*not an access token/);
    await come(relay, ALICE, await sign({ type: 'access' }));
  });

  it('signed with an older secret are taken until it is removed, which ends what they opened', async () => {
    const secretFile = join(await scratch(), 'secrets');
    await writeFile(secretFile, `# newest first\n${NEW}\n${OLD}\n`);
    const relay = await start({ secretFile });
    const old = await come(relay, ALICE, mintAccessToken(ALICE, OLD, Date.now()));
    const fresh = await come(relay, BOB, mintAccessToken(BOB, NEW, Date.now()));
    await writeFile(secretFile, `${NEW}\n`);
    const told = farewell(old);
    await relay.reload();
    expect(await told).toEqual([1008, 'token revoked']);
    await expect(come(relay, ALICE, mintAccessToken(ALICE, OLD, Date.now()))).rejects.toThrow(/^401/);
    await fresh.settled();
    expect(relay.stats()).toMatchObject({ expiredDisconnects: 1, connections: 1 });
  });

  it('go on being taken when the file of secrets breaks; that is complained about once', async () => {
    const secretFile = join(await scratch(), 'secrets');
    await writeFile(secretFile, NEW);
    const errors: string[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => void errors.push(JSON.stringify(fields)) };
    const relay = await start({ secretFile, log });
    await writeFile(secretFile, '# nothing\n');
    await relay.reload();
    await relay.reload();
    await rm(secretFile);
    await relay.reload();
    await come(relay, ALICE, mintAccessToken(ALICE, NEW, Date.now()));
    expect(errors).toEqual([expect.stringContaining('there is no secret in it'), expect.stringContaining('ENOENT')]);
    expect(errors.join()).not.toContain(NEW);
  });

  it('are looked for again by the relay itself when the file changes', async () => {
    const secretFile = join(await scratch(), 'secrets');
    await writeFile(secretFile, OLD);
    const relay = await start({ secretFile });
    const told = farewell(await come(relay, ALICE, mintAccessToken(ALICE, OLD, Date.now())));
    await writeFile(secretFile, NEW);
    expect(await told).toEqual([1008, 'token revoked']);
  });
});

describe('static tokens', () => {
  it('let in whose hash stands in the file, until the line goes', async () => {
    const tokenFile = join(await scratch(), 'tokens');
    const [alice, bob] = [makeStaticToken(ALICE), makeStaticToken(BOB)];
    await writeFile(tokenFile, `# people\n\n${alice.line}${bob.line}`);
    expect(await readFile(tokenFile, 'utf8')).not.toContain(alice.token);
    const relay = await start({ tokenFile });
    const [one, two] = [await come(relay, BOB, alice.token), await come(relay, BOB, bob.token)];
    await expect(come(relay, ALICE)).rejects.toThrow(/^401 .*missing/);
    await expect(come(relay, ALICE, makeStaticToken(ALICE).token)).rejects.toThrow(/^401 .*not known here/);
    one.send({ typ: 9, sid: '0123456789abcdef', pth: `${ALICE}/f` });
    expect(await one.settled()).toEqual([]);
    const told = farewell(one);
    await writeFile(tokenFile, bob.line);
    await relay.reload();
    expect(await told).toEqual([1008, 'token revoked']);
    await two.settled();
  });

  it('and access tokens may be used side by side', async () => {
    const tokenFile = join(await scratch(), 'tokens');
    const bob = makeStaticToken(BOB);
    await writeFile(tokenFile, bob.line);
    const relay = await start({ tokenFile, authSecret: NEW });
    await come(relay, BOB, bob.token);
    await come(relay, ALICE, mintAccessToken(ALICE, NEW, Date.now()));
    await expect(come(relay, ALICE, 'hlt_x')).rejects.toThrow(/^401/);
  });

  it('expire', () => {
    const { token, line } = makeStaticToken(ALICE, 1_000_000);
    const table = parseTokenFile(line);
    expect(checkStaticToken(token, table, 999_999)).toEqual({ ok: true, email: ALICE, expiresAtMs: 1_000_000 });
    expect(checkStaticToken(token, table, 1_000_000)).toEqual({ ok: false, reason: 'the token has expired' });
  });

  it.each([
    ['a name that is no e-mail', `nobody sha256:${'A'.repeat(43)}`],
    ['a hash of the wrong length', `${ALICE} sha256:AAAA`],
    ['the token itself', `${ALICE} ${makeStaticToken(ALICE).token}`],
    ['a time that is none', `${ALICE} sha256:${'A'.repeat(43)} tomorrow`],
    ['more than belongs there', `${ALICE} sha256:${'A'.repeat(43)} 2030-01-01 x`],
  ])('in a file with %s are refused as a whole, naming the line', async (_what, line) => {
    const tokenFile = join(await scratch(), 'tokens');
    await writeFile(tokenFile, `# people\n${line}\n`);
    await expect(start({ tokenFile })).rejects.toMatchObject({ code: 'ERR_HLNK_CONFIG', message: expect.stringContaining('line 2') });
  });
});

describe("an embedder's own authentication", () => {
  it('says who somebody is, sees the request, and may be slow', async () => {
    const relay = await start({
      authenticate: async (request): Promise<Identity> => {
        await new Promise((resolve) => setImmediate(resolve));
        return request.headers['x-badge'] === '7' ? { ok: true, email: ALICE } : { ok: false, reason: 'no badge' };
      },
    });
    await expect(come(relay, ALICE)).rejects.toThrow(/^401 .*no badge/);
    const client = await RelayClient.connect(relay, BOB, { headers: { 'x-badge': '7' } });
    client.send({ typ: 9, sid: '0123456789abcdef', pth: `${ALICE}/f` });
    expect(await client.settled()).toEqual([]);
    await client.close();
  });

  it.each([
    ['never answers', () => new Promise<Identity>(() => undefined)],
    ['throws', () => Promise.reject(new Error('the directory is away'))],
  ])('that %s admits nobody: 503, counted, the reason stays in the log', async (_what, authenticate) => {
    const relay = await start({ authenticate, limits: { authMs: 200 } });
    await expect(come(relay, ALICE)).rejects.toThrow(/^503 (?!.*directory)/);
    expect((await fetch(`${relay.url}/api/v1/acl/check?user=${ALICE}&path=${ALICE}/f&level=1`)).status).toBe(503);
    expect(relay.stats()).toMatchObject({ authErrors: 2, authFailures: 0 });
  });

  it('that names somebody who cannot be one admits nobody, and is told when its client leaves', async () => {
    const relay = await start({ authenticate: () => ({ ok: true, email: '../etc' }) });
    await expect(come(relay, ALICE)).rejects.toThrow(/^401/);
    let asked = (): void => {};
    const called = new Promise<void>((resolve) => {
      asked = resolve;
    });
    let aborted = false;
    const other = await start({
      authenticate: (_request, signal) => {
        asked();
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted = true;
            reject(new Error('gone'));
          });
        });
      },
    });
    const leaving = new AbortController();
    const answer = fetch(`${other.url}/api/v1/acl/check`, { signal: leaving.signal });
    await called;
    leaving.abort();
    await expect(answer).rejects.toThrow('aborted');
    await expect.poll(() => aborted).toBe(true);
    await expect.poll(() => other.stats().authErrors).toBe(0); // says nothing of how well we authenticate
  });

  it('and secrets exclude each other', async () => {
    await expect(start({ authenticate: () => ({ ok: true, email: ALICE }), authSecret: NEW })).rejects.toMatchObject({
      code: 'ERR_HLNK_CONFIG',
    });
  });
});

describe('TLS', () => {
  async function pem(): Promise<{ certFile: string; keyFile: string; fingerprint: string; replace: () => Promise<string> }> {
    const directory = await scratch();
    const [certFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    const replace = async (): Promise<string> => {
      const { key, certificate, fingerprint } = createCertificate();
      await writeFile(certFile, certificate);
      await writeFile(keyFile, key);
      return fingerprint;
    };
    return { certFile, keyFile, fingerprint: await replace(), replace };
  }

  async function shown(relay: RelayServer): Promise<string> {
    const socket = connect({ host: '127.0.0.1', port: relay.port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256.replaceAll(':', '').toLowerCase();
  }

  it('carries the WebSocket, and a replaced certificate is shown to who comes, while nobody is disconnected', async () => {
    const { certFile, keyFile, fingerprint, replace } = await pem();
    const relay = await start({ tls: { certFile, keyFile } });
    expect(relay.url).toMatch(/^https:/);
    const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/api/v1/events?user=${ALICE}`, { rejectUnauthorized: false });
    await once(socket, 'message');
    expect(await shown(relay)).toBe(fingerprint);
    const next = await replace();
    await relay.reload();
    expect(await shown(relay)).toBe(next);
    socket.ping();
    await once(socket, 'pong');
    socket.terminate();
  });

  it('that is not trusted is named by doctor with what helps, and so is an address without TLS', async () => {
    const { certFile, keyFile } = await pem();
    const relay = await start({ tls: { certFile, keyFile } });
    const says = async (url: string): Promise<unknown> => (await relayChecks(url, ALICE, undefined)).checks[0];
    expect(await says(relay.url)).toMatchObject({ verdict: 'fail', hint: expect.stringContaining('NODE_EXTRA_CA_CERTS') });
    expect(await says(relay.url.replace('https', 'http'))).toMatchObject({ verdict: 'fail', hint: expect.stringContaining('https://') });
  });

  it('keeps the certificate while the two files do not fit together', async () => {
    const { certFile, keyFile, fingerprint } = await pem();
    const relay = await start({ tls: { certFile, keyFile } });
    await writeFile(certFile, createCertificate().certificate);
    await relay.reload();
    expect(await shown(relay)).toBe(fingerprint);
    await expect(start({ tls: { certFile, keyFile } })).rejects.toMatchObject({ code: 'ERR_HLNK_CONFIG' });
  });

  it('takes no client that does not finish its handshake', async () => {
    const { certFile, keyFile } = await pem();
    const relay = await start({ tls: { certFile, keyFile }, limits: { handshakeMs: 200 } });
    const { connect: tcp } = await import('node:net');
    const socket = tcp(relay.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'close');
    expect(relay.stats().slowRequests).toBe(1);
  });
});

describe('pages', () => {
  it('of allowed origins may connect, others may not', async () => {
    const relay = await start({ allowedOrigins: ['https://app.example.com'] });
    const client = await RelayClient.connect(relay, ALICE, { headers: { origin: 'https://app.example.com' } });
    await client.close();
    await expect(RelayClient.connect(relay, ALICE, { headers: { origin: 'https://app.example.com.evil.org' } })).rejects.toThrow(/^403/);
  });
});

describe('the command line', () => {
  const hotlink = (args: string[], env: Record<string, string> = {}) =>
    run(process.execPath, [entry, ...args], { env: { PATH: process.env['PATH'], ...env }, timeout: 20_000 }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );

  it('does not open a relay without authentication to other machines, unless told that this is known', async () => {
    const refused = await hotlink(['relay', '--listen', '0.0.0.0:0']);
    expect([refused.code, refused.stderr]).toEqual([78, expect.stringContaining('--i-know')]);
    const { code, stderr } = await hotlink(['relay', '--listen', '127.0.0.1:0', '--tls-cert', 'x']);
    expect([code, stderr]).toEqual([78, expect.stringContaining('--tls-key')]);
  });

  it('makes tokens that a relay takes; the file is its owner’s alone and the token is not in it', async () => {
    const directory = await scratch();
    const [tokens, secrets] = [join(directory, 'tokens'), join(directory, 'secrets')];
    await writeFile(secrets, `# newest first\n${NEW}\n${OLD}\n`);
    const made = await hotlink(['token', '--email', ALICE, '--tokens', tokens, '--days', '1']);
    expect(made.code).toBe(0);
    expect((await stat(tokens)).mode & 0o777).toBe(0o600);
    expect(await readFile(tokens, 'utf8')).not.toContain(made.stdout.trim());
    const both = await hotlink(['token', '--email', BOB, '--tokens', tokens, '--secret-file', secrets]);
    expect(both).toMatchObject({ code: 2, stdout: '' });
    const jwt = await hotlink(['token', '--email', BOB, '--secret-file', secrets]);
    const relay = await start({ tokenFile: tokens, secretFile: secrets });
    await come(relay, ALICE, made.stdout.trim());
    await come(relay, BOB, jwt.stdout.trim());
  });

  it('adds nothing to a file of tokens that it cannot read', async () => {
    const tokens = join(await scratch(), 'tokens');
    await writeFile(tokens, 'precious');
    const { code, stderr } = await hotlink(['token', '--email', ALICE, '--tokens', tokens]);
    expect([code, stderr]).toEqual([78, expect.stringContaining('line 1')]);
    expect(await readFile(tokens, 'utf8')).toBe('precious');
    await appendFile(tokens, '');
    expect((await hotlink(['token', '--email', 'nobody', '--tokens', tokens])).code).toBe(2);
    expect((await hotlink(['token', '--email', ALICE])).code).toBe(2);
  });

  it('takes limits from flags, environment and a file, and refuses what is outside', async () => {
    const config = join(await scratch(), 'relay.yaml');
    await writeFile(config, 'maxConnections: 0\n');
    const bad = await hotlink(['relay', '--config', config]);
    expect([bad.code, bad.stderr]).toEqual([78, expect.stringMatching(/relay\.yaml:1: maxConnections/)]);
    const flag = await hotlink(['relay', '--max-message', '5']);
    expect([flag.code, flag.stderr]).toEqual([2, expect.stringContaining('--max-message')]);
  });

  it('does not show a password that stands in an address', async () => {
    const { stdout } = await hotlink(['config', 'show', '--server', 'https://alice:north@relay.example:443/x']);
    expect(stdout).toContain('https://MASKED@relay.example:443/x');
    expect(stdout).not.toContain('north');
  });
});
