// Several relay processes' worth of relays in this process, each with a NATS connection of its own, and bare clients at any of them.
import { type RelayOptions, type RelayServer, startRelay } from '../../src/relay/index.js';
import { type ClientSetup, RelayClient } from '../src/relay-client.js';
import type { NatsServer } from './nats-server.js';

export class RelayCluster {
  readonly relays: RelayServer[] = [];
  private readonly nats: NatsServer;
  private readonly options: Partial<RelayOptions>;
  private readonly clients: RelayClient[] = [];
  private readonly name = `test-${process.pid}-${performance.now().toFixed(0)}`;

  private constructor(nats: NatsServer, options: Partial<RelayOptions>) {
    this.nats = nats;
    this.options = options;
  }

  static async start(nats: NatsServer, count: number, options: Partial<RelayOptions> = {}): Promise<RelayCluster> {
    const cluster = new RelayCluster(nats, options);
    for (let i = 0; i < count; i++) await cluster.add();
    return cluster;
  }

  /** One more relay. */
  async add(options: Partial<RelayOptions> = {}): Promise<RelayServer> {
    const cluster = { servers: this.nats.url, name: this.name, silenceMs: 5000 };
    const relay = await startRelay({ listen: '127.0.0.1:0', cluster, ...this.options, ...options });
    this.relays.push(relay);
    return relay;
  }

  relay(index: number): RelayServer {
    return this.relays[index] as RelayServer;
  }

  async connect(index: number, user: string, setup: ClientSetup = {}): Promise<RelayClient> {
    const client = await RelayClient.connect(this.relay(index), user, setup);
    this.clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.socket.terminate();
    await Promise.all(this.relays.map((relay) => relay.close()));
  }
}
