// Ports from the system: every one is held until all are known, so that none is handed out twice. Between here and the daemon's bind another
// program may still take one; the run notices (nothing of ours answers there) and starts over with new ones.
import { type AddressInfo, createServer, type Server } from 'node:net';

/** `count` ports of 127.0.0.1 that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (let index = 0; index < count; index++) {
      const server = createServer();
      servers.push(server);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', resolve);
      });
    }
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
