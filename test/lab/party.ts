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
const LOOKED = Buffer.from('looked');
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
  const peer = new Incoming(socket);
  const payload = randomBytes(BYTES);
  socket.write(payload);
  socket.write(createHash('sha256').update(payload).digest());
  await peer.has(BYTES + DIGEST_BYTES);
  const carrier = await carrierOnceUp(data);
  // Neither leaves before the other has looked as well: with the first to go, the other's session is over.
  socket.write(LOOKED);
  await peer.has(BYTES + DIGEST_BYTES + LOOKED.length);
  socket.end();
  await peer.ended;
  const received = peer.bytes.subarray(0, BYTES);
  const digest = peer.bytes.subarray(BYTES, BYTES + DIGEST_BYTES);
  return {
    email,
    receivedBytes: received.length,
    bytesRight: createHash('sha256').update(received).digest().equals(digest),
    lane: carrier?.lane,
    candidates: carrier?.candidates,
    reason: carrier?.webrtcReason,
  };
}

/** What comes in, whole. */
class Incoming {
  readonly #pieces: Buffer[] = [];
  #length = 0;
  #wake = (): void => {};
  /** Its end, or a reset: whoever leaves first takes the other's stream along. */
  readonly ended: Promise<void>;

  constructor(socket: Socket) {
    this.ended = new Promise((resolve) => {
      socket.once('end', resolve).once('error', () => resolve());
    });
    socket.on('data', (piece) => {
      this.#pieces.push(piece);
      this.#length += piece.length;
      this.#wake();
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  async has(length: number): Promise<void> {
    while (this.#length < length) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
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

if (process.argv[1] === import.meta.filename) process.exit(await main());
