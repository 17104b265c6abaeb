// The carrier over a NATS server, core NATS, nothing stored (no JetStream). Subjects hold a process id and the cluster's name, both of this
// program's making, and never anything a client wrote: a user's name cannot be a wildcard.
//
//   hotlink1.{cluster}.all                 beats, to everybody
//   hotlink1.{cluster}.to.{process}.{from} one link's messages
//
// The digit is the version of records and rules: processes of another version form another cluster.
import { connect, type Msg, type NatsConnection, type NodeConnectionOptions, type Subscription } from '@nats-io/transport-node';
import { HotlinkError } from '../../../native-free/index.js';
import type { Log } from '../../options.js';
import type { Carrier, CarrierHandler } from './carrier.js';

/** How long the first connection may take. */
const CONNECT_MS = 5000;
/** Between attempts to come back; the servers of the list are tried in turns. */
const RETRY_MS = 250;
/** A server that says nothing is given up after this and one more of the same. */
const PING_MS = 2000;
/** Larger messages gain nothing; smaller ones let the server take turns. The server's own limit (1 MiB unless configured) counts too. */
const MESSAGE_BYTES = 256 * 1024;

/**
 * @param servers as on the command line: `nats://[user:password@|token@]host:port`, `tls://…` the same over TLS; several with commas
 * @throws HotlinkError ERR_HLNK_CONFIG
 */
export function natsOptions(servers: string): NodeConnectionOptions {
  const urls = servers.split(',').map((text) => parseServer(text.trim()));
  const [first] = urls as [URL, ...URL[]];
  const user = decodeURIComponent(first.username);
  const pass = decodeURIComponent(first.password);
  const tls = urls.some((url) => url.protocol === 'tls:');
  return {
    servers: urls.map((url) => url.host),
    ...(user === '' ? {} : pass === '' ? { token: user } : { user, pass }),
    ...(tls ? { tls: {} } : {}),
  };
}

function parseServer(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // Never repeats what it was given: there may be a password in it.
  if (url === undefined || (url.protocol !== 'nats:' && url.protocol !== 'tls:') || url.hostname === '' || url.pathname.length > 1)
    throw new HotlinkError(
      'ERR_HLNK_CONFIG',
      'a server of the cluster is written nats://host:4222 or tls://host:4222, several with commas between',
    );
  return url;
}

export class NatsCarrier implements Carrier {
  readonly messageBytes: number;
  private readonly connection: NatsConnection;
  private readonly prefix: string;
  private readonly log: Log;
  private subscriptions: Subscription[] = [];
  private handler: CarrierHandler | undefined;
  private up = true;

  private constructor(connection: NatsConnection, cluster: string, log: Log) {
    this.connection = connection;
    this.prefix = `hotlink1.${cluster}`;
    this.log = log;
    this.messageBytes = Math.min(MESSAGE_BYTES, connection.info?.max_payload ?? MESSAGE_BYTES);
    void this.watch();
  }

  /**
   * @param cluster letters, digits, `-` and `_`
   * @throws HotlinkError ERR_HLNK_CONFIG, also when no server can be reached or lets us in
   */
  static async connect(servers: string, cluster: string, log: Log): Promise<NatsCarrier> {
    if (!/^[\w-]{1,64}$/.test(cluster))
      throw new HotlinkError('ERR_HLNK_CONFIG', 'the name of a cluster has 1 to 64 letters, digits, - and _');
    const options = natsOptions(servers);
    try {
      const connection = await connect({
        ...options,
        name: 'hotlink relay',
        timeout: CONNECT_MS,
        reconnectTimeWait: RETRY_MS,
        maxReconnectAttempts: -1,
        ignoreAuthErrorAbort: true, // a password changed in steps must not end a relay
        pingInterval: PING_MS,
        maxPingOut: 1,
      });
      return new NatsCarrier(connection, cluster, log);
    } catch (error) {
      const where = (options.servers as string[]).join(', ');
      const { message } = error as Error;
      const what = /authoriz|authentic/i.test(message)
        ? `the NATS server at ${where} refuses the name, password or token in the cluster's address`
        : `no NATS server at ${where}`;
      throw new HotlinkError('ERR_HLNK_CONFIG', `${what}: ${message}`, { cause: error });
    }
  }

  get isUp(): boolean {
    return this.up;
  }

  join(self: string, handler: CarrierHandler): void {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    this.handler = handler;
    const fromAt = `${this.prefix}.to.${self}.`.length;
    this.subscriptions = [
      this.subscribe(`${this.prefix}.all`, (message) => handler.announced(message.data)),
      this.subscribe(`${this.prefix}.to.${self}.*`, (message) => handler.received(message.subject.slice(fromAt), message.data)),
    ];
  }

  announce(message: Uint8Array): void {
    this.publish(`${this.prefix}.all`, message);
  }

  send(to: string, from: string, message: Uint8Array): void {
    this.publish(`${this.prefix}.to.${to}.${from}`, message);
  }

  async close(): Promise<void> {
    if (!this.connection.isClosed() && this.up) await Promise.race([this.connection.flush().catch(() => {}), closedOf(this.connection)]);
    this.up = false;
    await this.connection.close();
  }

  /** A server that came back with a smaller limit, or a client that has ended, throws; to the mesh that is a message lost like any other. */
  private publish(subject: string, message: Uint8Array): void {
    if (!this.up) return;
    try {
      this.connection.publish(subject, message);
    } catch (error) {
      this.log.error({ bytes: message.byteLength, error: (error as Error).message }, 'NATS does not take a message');
    }
  }

  /** What is thrown into the client's reader would end it without a word, and the connection would seem to stand. */
  private subscribe(subject: string, take: (message: Msg) => void): Subscription {
    return this.connection.subscribe(subject, {
      callback: (error, message) => {
        try {
          if (error === null) take(message);
          else this.log.warn({ subject, error: error.message }, 'NATS refused a subscription');
        } catch (thrown) {
          this.log.error(
            { subject, error: thrown instanceof Error ? thrown.stack : String(thrown) },
            'a message of another process failed',
          );
        }
      },
    });
  }

  private async watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect') {
        this.up = false;
        this.log.warn({ server: status.server }, 'NATS is away');
      } else if (status.type === 'reconnect') {
        this.up = true;
        this.log.info({ server: status.server }, 'NATS is back');
        this.handler?.restored();
      } else if (status.type === 'error') this.log.warn({ error: status.error.message }, 'NATS refused something');
    }
  }
}

async function closedOf(connection: NatsConnection): Promise<void> {
  await connection.closed();
}
