// One of our data planes and one upstream double, each with its own data directory and marker, at a relay of either make. Everything
// ends with the scene.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HotlinkOptions } from '../../src/index.js';
import type { SessionStatus } from '../../src/status.js';
import { GoClient } from '../doubles/go-client.js';
import { GoServer, type GoServerOptions } from '../doubles/go-server.js';
import { RustClient, type RustClientOptions } from '../doubles/rust-client.js';
import { ALICE, type AnyRelay, BOB, freePort, type Party, Sandbox, until } from './sandbox.js';

/**
 * Markers: `directional` is 0_to_1 and 1_to_0, each under its own side's datasite and from it; `shared` is 0_to_1 on both sides, each under
 * its own and from it; `one tree` is 0_to_1 under alice's datasite, from alice, on both machines.
 */
export type Layout = 'directional' | 'shared' | 'one tree';

export interface SceneOptions {
  /** Options of our side. */
  ours?: Partial<HotlinkOptions>;
  layout?: Layout;
  /** Which of the two we are. */
  we?: typeof ALICE | typeof BOB;
}

export class Scene<P extends { close(): Promise<void> }, R extends AnyRelay = AnyRelay> {
  readonly sandbox: Sandbox<R>;
  readonly us: Party;
  peer: P;
  /** The peer's local port. */
  readonly peerPort: number;

  readonly #startPeer: () => Promise<P>;

  private constructor(sandbox: Sandbox<R>, us: Party, peer: P, peerPort: number, startPeer: () => Promise<P>) {
    this.sandbox = sandbox;
    this.us = us;
    this.peer = peer;
    this.peerPort = peerPort;
    this.#startPeer = startPeer;
  }

  static async open<P extends { close(): Promise<void> }, R extends AnyRelay>(
    relay: R,
    startPeer: (server: string, email: string, datasites: string, ourPort: number) => Promise<P>,
    { ours = {}, layout = 'directional', we = ALICE }: SceneOptions = {},
  ): Promise<Scene<P, R>> {
    const sandbox = Sandbox.over(relay);
    const they = we === ALICE ? BOB : ALICE;
    const ports = { [ALICE]: await freePort(), [BOB]: await freePort() };
    const directories: Record<string, string> = { [ALICE]: '0_to_1', [BOB]: layout === 'directional' ? '1_to_0' : '0_to_1' };
    const aliceDir = await sandbox.writeMarker(ALICE, BOB, '0_to_1', ports);
    const bobDir =
      layout === 'one tree'
        ? copyMarker(aliceDir, sandbox.dataDir(ALICE), sandbox.dataDir(BOB))
        : await sandbox.writeMarker(BOB, ALICE, directories[BOB] as string, ports);
    const markerDir = we === ALICE ? aliceDir : bobDir;
    const us = await sandbox.start(we, ports[we] as number, markerDir, ours);
    await until('we are at the relay and listen', () => {
      const { relay: state, channels } = us.link.status();
      return state.state === 'up' && channels.every(({ listening }) => listening) && channels.length > 0;
    });
    const start = (): Promise<P> => startPeer(relay.url, they, `${sandbox.dataDir(they)}/datasites`, us.port);
    return new Scene(sandbox, us, await start(), ports[they] as number, start);
  }

  /** The peer's process is gone without a word, and another one takes its place. */
  async restartPeer(): Promise<void> {
    await this.peer.close();
    this.peer = await this.#startPeer();
  }

  /** The path of our marker's channel. */
  get ourPath(): string {
    return `${this.us.markerDir.split('/datasites/')[1]}/stream.tcp.request`;
  }

  get sessions(): SessionStatus[] {
    return this.us.link.status().channels.flatMap(({ sessions }) => sessions);
  }

  /** What we think the peer runs, by session. */
  get clients(): string[] {
    return [...new Set(this.sessions.map(({ client }) => client))];
  }

  said(what: string): Record<string, unknown>[] {
    return this.us.events.filter((event) => event.what === what).map(({ fields }) => fields);
  }

  async close(): Promise<void> {
    await this.us.link.stop();
    await this.peer.close();
    await this.sandbox.close();
  }
}

/** The same marker on another machine. @returns its directory */
function copyMarker(directory: string, from: string, to: string): string {
  const copy = directory.replace(from, to);
  mkdirSync(copy, { recursive: true });
  copyFileSync(join(directory, 'stream.tcp'), join(copy, 'stream.tcp'));
  return copy;
}

/** Lets more people read and write a directory of `owner`'s at the relay. @param path of a channel in it */
export async function share(server: string, owner: string, path: string, users: readonly string[]): Promise<void> {
  const key = `${path.slice(0, path.lastIndexOf('/'))}/syft.pub.yaml`;
  const body = JSON.stringify({ rules: [{ pattern: '**', access: { admin: [owner], write: users, read: users } }] });
  const answer = await fetch(`${server}/api/v1/acl?user=${owner}&key=${key}`, { method: 'PUT', body });
  if (!answer.ok) throw new Error(`the relay refused the ACL: ${await answer.text()}`);
}

/** A Go client without a channel of its own, which says what a test has it say. @param accepts whatever it is shown, as upstream does */
export function stranger(server: string, email: string, accepts: boolean): Promise<GoClient> {
  return GoClient.start({ server, email, accepts });
}

export function withGo<R extends AnyRelay>(relay: R, options: SceneOptions = {}): Promise<Scene<GoClient, R>> {
  return Scene.open(relay, (server, email, datasites) => GoClient.start({ server, email, datasites }), options);
}

export function withRust<R extends AnyRelay>(
  relay: R,
  rust: Partial<RustClientOptions> = {},
  options: SceneOptions = {},
): Promise<Scene<RustClient, R>> {
  return Scene.open(relay, (server, email, datasites) => RustClient.start({ server, email, datasites, ...rust }), options);
}

export function goServer(options: GoServerOptions = {}): Promise<GoServer> {
  return GoServer.start(options);
}
