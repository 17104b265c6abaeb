// One end of the double proxy, a process of its own: accepts, dials the next hop for each connection, pipes both ways.
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls';
import { createCertificate } from '../../src/control/certificate.js';
import type { Address } from '../contender.js';
import { endArguments, onTold, say } from '../end-talk.js';

const { role, host, target } = endArguments<{ role: 'near' | 'far'; host?: string; target: Address }>();
onTold(() => undefined);

const join = (a: Socket, b: Socket): void => {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.pipe(to);
    from.on('error', () => undefined).on('close', () => to.destroy());
  }
};

let server: Server;
if (role === 'near') {
  server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    // Its certificate is thrown away with the run; who is at the other end is known.
    const out = tlsConnect({ ...target, rejectUnauthorized: false, minVersion: 'TLSv1.3', ...{ allowHalfOpen: true } });
    out.setNoDelay(true);
    join(socket, out);
  });
} else {
  const { key, certificate } = createCertificate();
  server = createTlsServer({ key, cert: certificate, minVersion: 'TLSv1.3', noDelay: true, allowHalfOpen: true }, (socket) =>
    join(socket, connect({ ...target, noDelay: true, allowHalfOpen: true })),
  );
}
server.listen(0, host ?? '127.0.0.1', () => say({ kind: 'up', port: (server.address() as AddressInfo).port }));
