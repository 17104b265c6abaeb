// Ports from the system. On Linux they stay this process's to give: each is the local port of a connection of our own, so that the system
// hands it to nobody else, while a program told to listen on it may (a bound socket that does not listen is no obstacle to one with
// SO_REUSEADDR, which libuv and every server set; socket(7)). Elsewhere that would be an obstacle, and a port is only free at the moment
// it is given.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

const given = new Set<number>();
const holders = new Map<number, Socket>();
let hub: Promise<Server> | undefined;

/** `count` ports of 127.0.0.1 that nobody listens on; no port twice while this process lives. Held until they are released. */
export async function freePorts(count: number): Promise<number[]> {
  hub ??= listening();
  const { port } = (await hub).address() as AddressInfo;
  const ports: number[] = [];
  const again: Socket[] = [];
  try {
    while (ports.length < count) {
      const holder = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1', localPort: 0 });
      await once(holder, 'connect');
      holder.on('error', () => {}).unref();
      const local = holder.localPort as number;
      if (given.has(local)) {
        again.push(holder);
        continue;
      }
      given.add(local);
      holders.set(local, holder);
      ports.push(local);
    }
  } catch (error) {
    releasePorts(ports);
    throw error;
  } finally {
    for (const holder of again) holder.resetAndDestroy();
  }
  if (process.platform !== 'linux') releasePorts(ports);
  return ports;
}

/** The system may give them to others again; what listens on them is not concerned. */
export function releasePorts(ports: Iterable<number>): void {
  for (const port of ports) {
    // By a reset: nothing of ours lingers on the port.
    holders.get(port)?.resetAndDestroy();
    holders.delete(port);
  }
}

async function listening(): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}).unref()).unref();
  server.listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    // The next one who asks tries again.
    hub = undefined;
    throw error;
  }
  return server;
}
