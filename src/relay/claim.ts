// A part of a host program's HTTP server: what is asked below certain paths is answered here, everything else goes to the host's own listeners.
// Invariant: a claimed request reaches no listener of the host, whichever was added first. A listener beside theirs could not keep that: Express
// and its kin answer 404, and `ws` refuses upgrades, for every path they do not know. So it is decided before any of them is called.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Duplex } from 'node:stream';

/** The server of a host program. */
export type HostServer = Server | SecureServer;

/** Who answers what is claimed. */
export interface Claimant {
  /** @returns the path as the claimant knows it; undefined: not ours */
  ours(url: string): string | undefined;
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** @returns gives the paths back to the host; further calls do nothing */
export function claim(server: HostServer, claimant: Claimant): () => void {
  let claiming = true;
  const { emit } = server;
  const wasOwn = Object.hasOwn(server, 'emit');
  const emitUnlessOurs = (event: string, ...args: unknown[]): boolean => {
    const [request, answer, head] = args as [IncomingMessage, ServerResponse | Duplex, Buffer];
    // 'checkContinue' is a request whose sender waits for leave to send its body.
    if (claiming && (event === 'request' || event === 'checkContinue' || event === 'upgrade')) {
      const url = claimant.ours(request.url ?? '');
      if (url !== undefined) {
        request.url = url;
        if (event === 'checkContinue') (answer as ServerResponse).writeContinue();
        if (event === 'upgrade') claimant.upgrade(request, answer as Duplex, head);
        else claimant.request(request, answer as ServerResponse);
        return true;
      }
      if (event === 'upgrade' && server.listeners('upgrade').every((listener) => listener === upgradesAreWanted)) {
        refuseUnknown(answer as Duplex);
        return true;
      }
    }
    return Reflect.apply(emit, server, [event, ...args]) as boolean;
  };
  server.emit = emitUnlessOurs as typeof server.emit;
  server.on('upgrade', upgradesAreWanted);
  return () => {
    claiming = false;
    server.off('upgrade', upgradesAreWanted);
    // Whoever wrapped it after us still calls us: then we stay, and only pass on.
    if (server.emit !== (emitUnlessOurs as typeof server.emit)) return;
    if (wasOwn) server.emit = emit;
    else Reflect.deleteProperty(server, 'emit');
  };
}

/** Without any listener Node takes an upgrade for an ordinary request. */
function upgradesAreWanted(): void {}

/** Nobody else upgrades anything, so nobody else would ever answer. */
function refuseUnknown(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  socket.once('finish', () => socket.destroy());
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}
