// A way for a browser, which dials no unix sockets, to a daemon that has nothing else: a loopback port that hands reading requests on to
// the daemon's socket. Guarded as the daemon's own TCP endpoint is, with a token of its own; it is there while somebody looks. Main thread.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { HotlinkError } from '../../native-free/errors.js';
import { type Admission, admit } from './gatekeeper.js';

/** Headers of one connection, which mean nothing on the next. */
const HOP_BY_HOP: readonly string[] = ['connection', 'keep-alive', 'transfer-encoding'];

export interface DashboardDoor extends AsyncDisposable {
  /** To open in a browser, with the token. */
  readonly url: string;
}

/**
 * @param socket path of the daemon's unix socket
 * @param port of 127.0.0.1; 0: any
 * @throws HotlinkError `ERR_HLNK_PORT_BUSY` when the port is taken
 */
export async function openDashboardDoor(socket: string, port: number): Promise<DashboardDoor> {
  const token = randomBytes(24).toString('base64url');
  const server = createServer((request, response) => handOn(socket, token, request, response));
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new HotlinkError(
      'ERR_HLNK_PORT_BUSY',
      `127.0.0.1:${port} cannot be had: ${(error as Error).message}; give another --port, or 0`,
      {
        cause: error,
      },
    );
  }
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}/#token=${token}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function handOn(socket: string, token: string, request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? '';
  const url = path.startsWith('/') && URL.canParse(path, 'http://localhost') ? new URL(path, 'http://localhost') : undefined;
  const admission: Admission | undefined = url === undefined ? undefined : admit(request, url, token);
  if (admission === undefined) refuse(response, 400, 'the URL cannot be read');
  else if (!admission.ok) refuse(response, admission.status, admission.reason);
  else if (!admission.known && url?.pathname === '/readyz') refuse(response, 401, 'give the token');
  else if (request.method !== 'GET') refuse(response, 404, 'only reading passes here');
  else ask(socket, path, response);
}

function ask(socketPath: string, path: string, response: ServerResponse): void {
  const asked = httpRequest({ socketPath, path, headers: { host: 'localhost' } });
  asked.on('error', (error) => {
    if (response.headersSent) response.destroy();
    else refuse(response, 502, `the daemon does not answer: ${error.message}`);
  });
  asked.on('response', (answer) => {
    const headers = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.includes(name));
    response.writeHead(answer.statusCode ?? 502, Object.fromEntries(headers));
    // Server-sent events begin with silence; the browser waits for the head.
    response.flushHeaders();
    pipeline(answer, response, () => undefined);
  });
  response.on('close', () => asked.destroy());
  asked.end();
}

function refuse(response: ServerResponse, status: number, error: string): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify({ error }));
}
