// A bare chain of WebSockets, client – server – client, that forwards binary messages and nothing else: the ceiling of the relay lane.

import type { Contender } from '../contender.js';
import { EndProcess } from '../end-process.js';

export const wsChain: Contender = {
  name: 'bare ws chain, client–server–client',
  missing: () => undefined,
  async open({ near, far, target }) {
    const server = new EndProcess('ws server', './ws-end.js', import.meta.url, far, { role: 'server', host: far.address });
    const ends: EndProcess[] = [server];
    const close = async (): Promise<void> => {
      await Promise.all(ends.map((end) => end.stop()));
    };
    try {
      const { port } = await server.next<{ kind: 'up'; port: number }>('up');
      const url = `ws://${far.address}:${port}`;
      const farEnd = new EndProcess('ws chain, far end', './ws-end.js', import.meta.url, far, { role: 'far', url, target });
      ends.push(farEnd);
      await farEnd.next('up');
      const nearEnd = new EndProcess('ws chain, near end', './ws-end.js', import.meta.url, near, { role: 'near', url });
      ends.push(nearEnd);
      const up = await nearEnd.next<{ kind: 'up'; port: number }>('up');
      return { dial: { host: '127.0.0.1', port: up.port }, pids: ends.map(({ pid }) => pid), close };
    } catch (error) {
      await close();
      throw error;
    }
  },
};
