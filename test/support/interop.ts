// One of our data planes and one upstream double, each with its own data directory and marker, at a relay of either make. Everything
// ends with the scene.
import { dirname } from 'node:path';
import type { HotlinkOptions } from '../../src/index.js';
import type { SessionStatus } from '../../src/status.js';
import { GoClient } from '../doubles/go-client.js';
import { GoServer, type GoServerOptions } from '../doubles/go-server.js';
import { RustClient, type RustClientOptions } from '../doubles/rust-client.js';
import { ALICE, type AnyRelay, BOB, freePort, type Party, Sandbox, until } from './sandbox.js';

/** Markers: `directional` is 0_to_1 and 1_to_0, each under its own side's datasite; `shared` is 0_to_1 on both, alice in `from`. */
export type Layout = 'directional' | 'shared';

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
  readonly peer: P;
  /** The peer's local port. */
  readonly peerPort: number;

  private constructor(sandbox: Sandbox<R>, us: Party, peer: P, peerPort: number) {
    this.sandbox = sandbox;
    this.us = us;
    this.peer = peer;
    this.peerPort = peerPort;
  }

  static async open<P extends { close(): Promise<void> }, R extends AnyRelay>(
    relay: R,
    startPeer: (server: string, email: string, datasites: string) => Promise<P>,
    { ours = {}, layout = 'directional', we = ALICE }: SceneOptions = {},
  ): Promise<Scene<P, R>> {
    const sandbox = Sandbox.over(relay);
    const they = we === ALICE ? BOB : ALICE;
    const ports = { [ALICE]: await freePort(), [BOB]: await freePort() };
    const directories: Record<string, string> = { [ALICE]: '0_to_1', [BOB]: layout === 'shared' ? '0_to_1' : '1_to_0' };
    const markerDir = await sandbox.writeMarker(we, they, directories[we] as string, ports);
    await sandbox.writeMarker(they, we, directories[they] as string, ports);
    const us = await sandbox.start(we, ports[we] as number, markerDir, ours);
    await until('we are at the relay and listen', () => {
      const { relay: state, channels } = us.link.status();
      return state.state === 'up' && channels.every(({ listening }) => listening) && channels.length > 0;
    });
    const peer = await startPeer(relay.url, they, `${sandbox.dataDir(they)}/datasites`);
    return new Scene(sandbox, us, peer, ports[they] as number);
  }

  /** Where our marker lies, as a path of the relay. */
  get ourPath(): string {
    return `${dirname(`${this.us.markerDir}/x`).split('/datasites/')[1]}/stream.tcp.request`;
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
