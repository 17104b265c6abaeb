// A channel worker's entry whose direct connections are slow: what is dialled goes through a proxy that hands everything on late, in order, both ways. The
// relay stays as quick as it is, so that its messages overtake what left before them.

import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import tls, { type ConnectionOptions } from 'node:tls';

/** How late, one way, ms: much longer than a message through a relay on a busy machine. */
const LATE_MS = 400;

/** Where the connections go that are under way to the proxy, in the order they were dialled. */
const targets: { host: string; port: number }[] = [];

function handOn(from: Socket, to: Socket): void {
  from.on('data', (part: Buffer) => void setTimeout(() => to.write(part), LATE_MS));
  from.on('end', () => void setTimeout(() => to.end(), LATE_MS));
  from.on('error', () => {});
  from.on('close', () => void setTimeout(() => to.destroy(), LATE_MS));
}

const proxy = createServer({ allowHalfOpen: true }, (near) => {
  const far = connectTcp({ ...(targets.shift() as { host: string; port: number }), allowHalfOpen: true });
  handOn(near, far);
  handOn(far, near);
}).listen(0, '127.0.0.1');
await once(proxy, 'listening');
proxy.unref();
const { port } = proxy.address() as AddressInfo;

const connect = tls.connect as (options: ConnectionOptions) => tls.TLSSocket;
tls.connect = ((options: ConnectionOptions) => {
  targets.push({ host: options.host as string, port: options.port as number });
  return connect({ ...options, host: '127.0.0.1', port });
}) as typeof tls.connect;
syncBuiltinESMExports();

const entry = await import('../../workers/channel/entry.js');
export default entry.default;
