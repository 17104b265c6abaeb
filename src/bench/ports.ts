// Ports from the system. On Linux they stay this process's to give: each is the local port of a connection of our own, so that the system
// hands it to nobody else, while a program told to listen on it may (a bound socket that does not listen is no obstacle to one with
// SO_REUSEADDR, which libuv and every server set; socket(7)). Elsewhere that would be an obstacle, and a port is only free at the moment
// it is given.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

const given = new Set<number>();
let hub: Promise<Server> | undefined;

/** `count` ports of 127.0.0.1 that nobody listens on; no port twice while this process lives. */
export async function freePorts(count: number): Promise<number[]> {
  hub ??= listening();
  const { port } = (await hub).address() as AddressInfo;
  const ports: number[] = [];
  const notOurs: Socket[] = [];
  while (ports.length < count) {
    const holder = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1', localPort: 0 });
    await once(holder, 'connect');
    holder.on('error', () => {}).unref();
    const local = holder.localPort as number;
    if (process.platform !== 'linux' || given.has(local)) notOurs.push(holder);
    if (given.has(local)) continue;
    given.add(local);
    ports.push(local);
  }
  // By a reset: nothing of ours lingers on the port.
  for (const holder of notOurs) holder.resetAndDestroy();
  return ports;
}

async function listening(): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}).unref()).unref();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
