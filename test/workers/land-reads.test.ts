// On every Node we support, a TLS connection that is up can be told where its bytes go, at either end; if a new Node hides that, this test says so.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { expect, it } from 'vitest';
import { createCertificate } from '../../src/control/certificate.js';
import { landReads } from '../../workers/direct/land-reads.js';
import { until } from '../support/sandbox.js';

const CONTENT = randomBytes(3_000_000);

it.each(['accepted', 'dialled'] as const)('what arrives on a connection that was %s lands where it is told', async (side) => {
  const { key, certificate: cert } = createCertificate();
  const server = createServer({ key, cert, minVersion: 'TLSv1.3' }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const dialled = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  const [[accepted]] = (await Promise.all([once(server, 'secureConnection'), once(dialled, 'secureConnect')])) as [[TLSSocket], unknown];
  const [reader, writer] = side === 'accepted' ? [accepted, dialled] : [dialled, accepted];
  let events = 0;
  let received = 0;
  let landings = 0;
  const digest = createHash('sha256');
  let buffer = Buffer.alloc(0);
  const landing = landReads(
    reader,
    () => {
      buffer = Buffer.alloc(20_000);
      return buffer;
    },
    (bytes) => {
      digest.update(buffer.subarray(0, bytes));
      received += bytes;
      landings += 1;
      return true;
    },
  );
  expect(landing).toBe(true);
  reader.on('readable', () => {
    events += 1;
  });
  writer.write(CONTENT);
  await until('everything has landed', () => received === CONTENT.length);
  expect(digest.digest()).toEqual(createHash('sha256').update(CONTENT).digest());
  expect(landings).toBeGreaterThan(100);
  expect(events).toBe(0);
  accepted.destroy();
  dialled.destroy();
  server.close();
});
