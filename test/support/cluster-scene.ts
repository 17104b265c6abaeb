// Three relay processes on one NATS server, three daemons at a different one each, and a channel between every two of them: real processes on
// loopback with ports from the system, each ended by its handle. A daemon whose relay is gone comes to another one through its balancer.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Balancer } from './balancer.js';
import { NatsServer } from './nats-server.js';
import { freePort } from './sandbox.js';

const MAIN = new URL('../../src/cli/main.js', import.meta.url).pathname;
const EMAILS = ['alice@example.com', 'bob@example.com', 'carol@example.com'] as const;
/** Channels, by the numbers of their ends; the first opens. */
const LINKS = [
  [0, 1],
  [0, 2],
  [1, 2],
] as const;
/** Longer than a busy machine keeps a process waiting, short enough for a test: see src/relay/cluster/README.md. */
const SILENCE_MS = 8000;

export interface SceneLink {
  /** Ports that the applications of the two ends connect to. */
  readonly ports: readonly [number, number];
  readonly name: string;
}

export class ClusterScene {
  readonly home = mkdtempSync(join(tmpdir(), 'hotlink-cluster-'));
  readonly links: SceneLink[] = [];
  readonly balancers: Balancer[] = [];
  readonly relayPorts: number[] = [];
  readonly nats: NatsServer;
  private readonly relays: ChildProcess[] = [];
  private readonly daemons: ChildProcess[] = [];

  private constructor(nats: NatsServer) {
    this.nats = nats;
  }

  static async open(): Promise<ClusterScene> {
    const scene = new ClusterScene(await NatsServer.start());
    for (let index = 0; index < EMAILS.length; index++) {
      scene.relayPorts.push(await freePort());
      await scene.startRelay(index);
    }
    for (const [from, to] of LINKS) await scene.prepare(from, to);
    for (let index = 0; index < EMAILS.length; index++) {
      // Its own first, then the others in a circle.
      const order = [0, 1, 2].map((step) => scene.relayPorts[(index + step) % 3] as number);
      scene.balancers.push(await Balancer.start(order));
    }
    await Promise.all(EMAILS.map((_, index) => scene.startDaemon(index)));
    return scene;
  }

  async startRelay(index: number): Promise<void> {
    const listen = `127.0.0.1:${this.relayPorts[index]}`;
    const data = join(this.home, `relay-${index}`);
    const cluster = ['--cluster', this.nats.url, '--cluster-silence', String(SILENCE_MS)];
    this.relays[index] = await this.spawn(
      `relay ${index}`,
      ['relay', '--listen', listen, '--data', data, '--admin', 'off', ...cluster],
      'listening',
    );
  }

  /** As `kill -9` would. */
  async killRelay(index: number): Promise<void> {
    await end(this.relays[index] as ChildProcess);
  }

  /** Bytes of payload that a daemon sent over the relay lane, in frames. */
  relayFrames(index: number): number {
    const email = EMAILS[index] as string;
    const file = join(this.home, email, 'datasites', email, '.syftbox/hotlink_telemetry.json');
    return JSON.parse(readFileSync(file, 'utf8')).tx_ws_packets as number;
  }

  async close(): Promise<void> {
    await Promise.all([...this.daemons, ...this.relays].map(end));
    await Promise.all(this.balancers.map((balancer) => balancer.close()));
    await this.nats.stop();
    rmSync(this.home, { recursive: true, force: true });
  }

  /** Markers of both ends, and the permissions that go with them, uploaded at different relays. */
  private async prepare(from: number, to: number): Promise<void> {
    const ports: [number, number] = [await freePort(), await freePort()];
    const [opener, acceptor] = [EMAILS[from] as string, EMAILS[to] as string];
    const marker = JSON.stringify({ from: opener, to: acceptor, port: 0, ports: { [opener]: ports[0], [acceptor]: ports[1] } });
    for (const [me, peer, directory, relay] of [
      [opener, acceptor, `${from}_to_${to}`, from],
      [acceptor, opener, `${to}_to_${from}`, to],
    ] as const) {
      const relative = `${me}/shared/flows/f/r/_mpc/${directory}`;
      const mine = marker.replace(`"from":"${opener}","to":"${acceptor}"`, `"from":"${me}","to":"${peer}"`);
      mkdirSync(join(this.home, me, 'datasites', relative), { recursive: true });
      writeFileSync(join(this.home, me, 'datasites', relative, 'stream.tcp'), mine);
      const acl = JSON.stringify({ rules: [{ pattern: '**', access: { admin: [me], write: [me, peer], read: [me, peer] } }] });
      const url = `http://127.0.0.1:${this.relayPorts[relay]}/api/v1/acl?user=${me}&key=${relative}/syft.pub.yaml`;
      const answer = await fetch(url, { method: 'PUT', body: acl });
      if (!answer.ok) throw new Error(await answer.text());
    }
    this.links.push({ ports, name: `${opener} and ${acceptor}` });
  }

  private async startDaemon(index: number): Promise<void> {
    const email = EMAILS[index] as string;
    const server = `http://127.0.0.1:${this.balancers[index]?.port}`;
    const args = ['up', '--email', email, '--server', server, '--data', join(this.home, email), '--lanes', 'relay'];
    this.daemons[index] = await this.spawn(email, args, 'ready');
  }

  private async spawn(name: string, args: string[], word: string): Promise<ChildProcess> {
    const env = { ...process.env, SYFTBOX_HOTLINK: '1' };
    const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr?.on('data', (data: Buffer) => {
      if (process.env['FAULT_LOG'] !== undefined) process.stderr.write(`${name}: ${data}`);
    });
    let text = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (data) => {
        text += data;
        if (text.includes(word)) resolve();
      });
      child.once('exit', (code) => reject(new Error(`${name} exited with ${code} before "${word}"`)));
    });
    return child;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
