// A double proxy of Node's own streams, TCP → TLS 1.3 → TCP: what a day's work without a protocol gives.

import type { Contender } from '../contender.js';
import { EndProcess } from '../end-process.js';

export const tlsProxy: Contender = {
  name: 'Node TLS 1.3 double proxy',
  missing: () => undefined,
  async open({ near, far, target }) {
    const farEnd = new EndProcess('TLS proxy, far end', './tls-end.js', import.meta.url, far, { role: 'far', host: far.address, target });
    let nearEnd: EndProcess | undefined;
    const close = async (): Promise<void> => {
      await Promise.all([farEnd.stop(), nearEnd?.stop()]);
    };
    try {
      const { port } = await farEnd.next<{ kind: 'up'; port: number }>('up');
      nearEnd = new EndProcess('TLS proxy, near end', './tls-end.js', import.meta.url, near, {
        role: 'near',
        target: { host: far.address, port },
      });
      const up = await nearEnd.next<{ kind: 'up'; port: number }>('up');
      return { dial: { host: '127.0.0.1', port: up.port }, pids: [nearEnd.pid, farEnd.pid], close };
    } catch (error) {
      await close();
      throw error;
    }
  },
};
