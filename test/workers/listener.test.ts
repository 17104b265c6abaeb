// A local port that somebody else has: told once, and taken as soon as it is free. Upstream's clients try once (defects G6, R1).
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { Listener } from '../../workers/tcp/listener.js';
import { dial, until } from '../support/sandbox.js';

it('a port that is in use is taken when it becomes free, and until then that is said once', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const said: string[] = [];
  let accepted = 0;
  const listener = new Listener('127.0.0.1', port, {
    connection: (socket) => {
      accepted += 1;
      socket.destroy();
    },
    listening: (bound) => said.push(`listening ${bound}`),
    failed: (code) => said.push(code),
  });
  await until('it was refused', () => said.length > 0);
  other.close();
  await once(other, 'close');
  await until('it is bound', () => said.length > 1);
  expect(said).toEqual(['EADDRINUSE', `listening ${port}`]);
  const socket = await dial(port);
  await until('it is handed over', () => accepted === 1);
  socket.destroy();
  await listener.close();
});
