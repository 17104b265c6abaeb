// Signaling between identities of one process, as the simplest embedding program would have it: everything is delivered at once, within `send`.

import type { Signaling, SignalingAddress, SignalingPort } from '../../src/signaling.js';

export class MemorySignaling {
  readonly ports = new Map<string, SignalingPort>();
  readonly sent: { from: string; to: SignalingAddress; envelope: Uint8Array }[] = [];
  readonly closed: string[] = [];

  /** One identity's end; up as soon as it is connected. */
  end(email: string): Signaling {
    return {
      name: 'memory',
      connect: (port) => {
        this.ports.set(email, port);
        port.up();
      },
      send: (envelope, to) => {
        this.sent.push({ from: email, to, envelope });
        this.ports.get(to.peer)?.receive(envelope, email);
      },
      close: () => {
        this.ports.delete(email);
        this.closed.push(email);
      },
    };
  }
}
