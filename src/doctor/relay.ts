// Can the relay be reached, does it take us for who we are, and is our clock right? Main thread.

import WebSocket from 'ws';
import { TAKEN_FOR, takenForAnother } from '../../native-free/taken-for.js';
import { EXIT_CONFIG, EXIT_DENIED, EXIT_UNAVAILABLE } from '../cli/exit-code.js';
import { relayWorkerData } from '../control/relay-link.js';
import { type Check, check } from './check.js';

const DIAL_MS = 5000;
/** Tokens are valid for minutes, so seconds do not matter yet. */
const SKEW_WARN_MS = 10_000;
const SKEW_FAIL_MS = 300_000;

export interface RelayFindings {
  checks: Check[];
  /** What it advertises; undefined when it was not reached, or refuses us. */
  iceServers?: string[];
  turnUser?: string;
  turnPass?: string;
}

interface Answer {
  /** HTTP status; 101 when it is up, 0 when nobody answered. */
  status: number;
  reason: string;
  headers: NodeJS.Dict<string | string[]>;
  tookMs: number;
}

export async function relayChecks(server: string, email: string, token: string | undefined): Promise<RelayFindings> {
  let url: string;
  let headers: Record<string, string>;
  try {
    ({ url, headers } = relayWorkerData(server, email, token, 'hl1-doctor', new SharedArrayBuffer(8)));
  } catch (error) {
    return { checks: [check('relay', 'fail', (error as Error).message, 'correct --server', EXIT_CONFIG)] };
  }
  const { status, reason, headers: said, tookMs } = await dial(url, headers);
  if (status === 0) {
    return {
      checks: [check('relay', 'fail', `${server} cannot be reached: ${reason}`, unreachableHint(server, reason), EXIT_UNAVAILABLE)],
    };
  }
  const checks = [check('relay', 'ok', `${server} answers in ${Math.round(tookMs)} ms`)];
  const other = takenForAnother(one(said[TAKEN_FOR]), email);
  if (other !== undefined)
    checks.push(
      check(
        'login',
        'fail',
        `the token is that of ${other}, not of ${email}`,
        'give the token of this e-mail in HOTLINK_TOKEN',
        EXIT_DENIED,
      ),
    );
  else if (status === 101) checks.push(check('login', 'ok', `taken for ${email}${token === undefined ? ', without a token' : ''}`));
  else if (status === 401 || status === 403)
    checks.push(
      check(
        'login',
        'fail',
        `the relay refuses ${email} (HTTP ${status})`,
        'give a valid token in HOTLINK_TOKEN, for this e-mail',
        EXIT_DENIED,
      ),
    );
  else
    checks.push(
      check(
        'login',
        'fail',
        `the relay answers HTTP ${status}`,
        'is this the address of a relay, and not of something else?',
        EXIT_UNAVAILABLE,
      ),
    );
  checks.push(clockCheck(await dateOf(server)));
  // A refusal names none, which says nothing about what there is.
  if (status !== 101) return { checks };
  const iceServers = (one(said['x-syft-hotlink-ice-servers']) ?? '').split(',').flatMap((entry) => entry.trim() || []);
  const user = one(said['x-syft-hotlink-turn-user']);
  const pass = one(said['x-syft-hotlink-turn-pass']);
  return { checks, iceServers, ...(user === undefined ? {} : { turnUser: user }), ...(pass === undefined ? {} : { turnPass: pass }) };
}

function unreachableHint(server: string, reason: string): string {
  if (/certificate|altname/i.test(reason))
    return 'its certificate is not trusted here: for an authority of your own, or a self-made one, start hotlink with NODE_EXTRA_CA_CERTS=FILE.pem; it must name the host of --server';
  if (/hang up|reset/i.test(reason) && /^(http|ws):/i.test(server)) return 'something is there, but does not speak HTTP: is it https://?';
  return 'is it running, and is its address right? `hotlink relay --listen` prints the address it got; a proxy or firewall may be in between';
}

function dial(url: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve) => {
    const began = performance.now();
    const socket = new WebSocket(url, { headers, handshakeTimeout: DIAL_MS, perMessageDeflate: false });
    const done = (status: number, reason: string, said: Answer['headers']): void =>
      resolve({ status, reason, headers: said, tookMs: performance.now() - began });
    socket.on('upgrade', (response) => {
      done(101, '', response.headers);
      socket.on('open', () => socket.close());
    });
    socket.on('unexpected-response', (request, response) => {
      done(response.statusCode ?? 0, '', response.headers);
      request.destroy();
    });
    socket.on('error', (error) => done(0, error.message || (error as NodeJS.ErrnoException).code || 'no reason', {}));
  });
}

/** An upgrade answer has no Date; any other has. */
async function dateOf(server: string): Promise<string | undefined> {
  try {
    const url = new URL('healthz', `${server.replace(/^ws/, 'http').replace(/\/+$/, '')}/`);
    return (await fetch(url, { signal: AbortSignal.timeout(DIAL_MS) })).headers.get('date') ?? undefined;
  } catch {
    return undefined;
  }
}

/** By the Date of an HTTP answer, which has a second's resolution. */
function clockCheck(date: string | undefined): Check {
  const theirs = date === undefined ? Number.NaN : Date.parse(date);
  if (Number.isNaN(theirs)) return check('clock', 'skip', 'the relay does not say what time it is');
  const skewMs = Math.abs(Date.now() - theirs);
  const detail = `within ${Math.max(1, Math.round(skewMs / 1000))} s of the relay's`;
  if (skewMs < SKEW_WARN_MS) return check('clock', 'ok', detail);
  const hint = 'set the clock (NTP): tokens and time-limited TURN credentials depend on it';
  return check('clock', skewMs < SKEW_FAIL_MS ? 'warn' : 'fail', `${Math.round(skewMs / 1000)} s away from the relay's`, hint);
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value;
}
