// One party of the NAT scenario (deploy/nat/compose.yaml), as a program: a daemon with one channel, and its application. Sends random bytes and their
// SHA-256 behind them, checks what comes the same way, asks `hotlink status` what carried, and prints the verdict as one line of JSON.
// Exit 0 when the bytes are right and came over a data channel through TURN. Settings: PARTY_EMAIL, PARTY_PEER, PARTY_CHANNEL, PARTY_SERVER.
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { SessionStatus, Status } from '../../src/status.js';

const MAIN = new URL('../../src/cli/main.js', import.meta.url).pathname;
const PORT = 9001;
const BYTES = 4_000_000;
const DIGEST_BYTES = 32;
/** From the first byte to the verdict. */
const PATIENCE_MS = 60_000;

export interface Verdict {
  email: string;
  receivedBytes: number;
  bytesRight: boolean;
  lane: string | undefined;
  candidates: SessionStatus['candidates'];
  reason: string | undefined;
}

if (process.argv[1] === import.meta.filename) process.exit(await main());

async function main(): Promise<number> {
  const [email, peer, channel, server] = ['EMAIL', 'PEER', 'CHANNEL', 'SERVER'].map((name) => process.env[`PARTY_${name}`] ?? '') as [
    string,
    string,
    string,
    string,
  ];
  const data = mkdtempSync(join(tmpdir(), 'hotlink-party-'));
  await writeChannel(data, { email, peer, channel, server });
  const daemon = spawn(process.execPath, [MAIN, 'up', '--email', email, '--server', server, '--data', data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(daemon.stdout, 'data'); // "ready"
    const verdict = await Promise.race([transferAndLook(email, data), wait(PATIENCE_MS).then(() => undefined)]);
    process.stdout.write(`${JSON.stringify(verdict ?? { email, reason: `no verdict after ${PATIENCE_MS} ms` })}\n`);
    return verdict?.bytesRight === true && verdict.lane === 'webrtc' && Object.values(verdict.candidates ?? {}).includes('relay') ? 0 : 1;
  } finally {
    const gone = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    await gone;
    rmSync(data, { recursive: true, force: true });
  }
}

async function writeChannel(data: string, party: { email: string; peer: string; channel: string; server: string }): Promise<void> {
  const { email, peer, channel, server } = party;
  const path = `${email}/app_data/nat/_mpc/${channel}`;
  mkdirSync(join(data, 'datasites', path), { recursive: true });
  writeFileSync(join(data, 'datasites', path, 'stream.tcp'), JSON.stringify({ from: email, to: peer, port: PORT }));
  const both = [email, peer];
  const body = JSON.stringify({ rules: [{ pattern: '**', access: { admin: [email], write: both, read: both } }] });
  const answer = await fetch(`${server}/api/v1/acl?user=${email}&key=${path}/syft.pub.yaml`, { method: 'PUT', body });
  if (!answer.ok) throw new Error(`the relay refused the permissions: ${await answer.text()}`);
}

async function transferAndLook(email: string, data: string): Promise<Verdict> {
  const socket = connect({ port: PORT, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  const received = receive(socket);
  await send(socket);
  const carrier = await carrierOnceUp(data);
  socket.end(); // after the look: a session that is over carries nothing
  const { bytes, right } = await received;
  return {
    email,
    receivedBytes: bytes,
    bytesRight: right,
    lane: carrier?.lane,
    candidates: carrier?.candidates,
    reason: carrier?.webrtcReason,
  };
}

async function send(socket: Socket): Promise<void> {
  const payload = randomBytes(BYTES);
  socket.write(payload);
  if (!socket.write(createHash('sha256').update(payload).digest())) await once(socket, 'drain');
}

async function receive(socket: Socket): Promise<{ bytes: number; right: boolean }> {
  const all = Buffer.concat(await socket.toArray());
  const payload = all.subarray(0, -DIGEST_BYTES);
  return {
    bytes: payload.length,
    right: payload.length === BYTES && createHash('sha256').update(payload).digest().equals(all.subarray(-DIGEST_BYTES)),
  };
}

/** What carries, once it is a data channel; what carries then, if that does not happen in time. */
async function carrierOnceUp(data: string): Promise<SessionStatus | undefined> {
  const deadline = performance.now() + PATIENCE_MS / 2;
  for (;;) {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'status', '--json', '--data', data]);
    const { channels } = JSON.parse(stdout) as Pick<Status, 'channels'>;
    const carrier = channels.flatMap(({ sessions }) => sessions).find(({ lane }) => lane !== undefined);
    if (carrier?.lane === 'webrtc' || performance.now() > deadline) return carrier;
    await wait(250);
  }
}
