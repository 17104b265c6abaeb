// A load balancer as simple as they get: a port that passes each connection on to the first of its targets that answers.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class Balancer {
  readonly port: number;
  /** Which target each connection went to, in the order they came. */
  readonly chosen: number[] = [];
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** @param targets ports, best first */
  static async start(targets: readonly number[]): Promise<Balancer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const balancer = new Balancer(server);
    server.on('connection', (client) => void balancer.pass(client, targets));
    return balancer;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private async pass(client: Socket, targets: readonly number[]): Promise<void> {
    this.keep(client);
    for (const port of targets) {
      const target = connect({ port, host: '127.0.0.1' });
      this.keep(target);
      const answered = await new Promise<boolean>((resolve) => {
        target.once('connect', () => resolve(true));
        target.once('close', () => resolve(false));
      });
      if (!answered) continue;
      this.chosen.push(port);
      client.once('close', () => target.destroy());
      target.once('close', () => client.destroy());
      client.pipe(target).pipe(client);
      return;
    }
    client.destroy();
  }

  private keep(socket: Socket): void {
    socket.on('error', () => {});
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }
}
