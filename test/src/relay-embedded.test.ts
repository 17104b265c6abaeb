// A relay inside a host program's HTTP server: two clients meet at it, and the host's own routes and WebSockets beside it notice nothing.
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createCertificate } from '../../src/control/certificate.js';
import { createHotlink, type Hotlink } from '../../src/index.js';
import type { HostServer } from '../../src/relay/claim.js';
import { attachRelay, type EmbeddedRelay, type RelayServer } from '../../src/relay/index.js';
import { ALICE, BOB } from '../support/sandbox.js';
import { aclYaml, putAcl, RelayClient } from './relay-client.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const SID = '0123456789abcdef';

/** Knows two routes, and answers 404 to everything else, as Express does. */
const app: RequestListener = (request, response) => {
  if (request.url === '/' || request.url?.startsWith('/hotlinks')) response.end(`the host's ${request.url}`);
  else response.writeHead(404).end('the host knows no such thing');
};

async function listening(server: HostServer): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Where the clients of the relay's tests look for one. */
const at = (url: string): RelayServer => ({ url }) as RelayServer;

const closing = (relay: EmbeddedRelay): EmbeddedRelay => {
  cleanups.push(() => relay.close());
  return relay;
};

describe('a relay in a host program', () => {
  it('takes what is below its path, and leaves the rest to the host', async () => {
    const server = createServer(app);
    const address = await listening(server);
    closing(await attachRelay(server, { path: '/hotlink/' }));
    const text = async (path: string): Promise<string> => (await fetch(`http://${address}${path}`)).text();
    expect(await text('/')).toBe("the host's /");
    expect(await text('/hotlinks')).toBe("the host's /hotlinks");
    expect(await text('/hotlink')).toBe('hotlink relay\n');
    expect(await text('/hotlink/healthz')).toBe('{"status":"ok"}');
    expect(await text('/hotlink/nothing')).toContain('E_NOT_FOUND');
    for (const path of ['/healthz', '/api/v1/acl', '/x/hotlink/']) expect(await text(path)).toBe('the host knows no such thing');
  });

  it('without a path takes those of the API alone', async () => {
    const server = createServer(app);
    const address = await listening(server);
    closing(await attachRelay(server));
    const status = async (path: string): Promise<number> => (await fetch(`http://${address}${path}`)).status;
    expect(await status('/')).toBe(200);
    expect(await status('/healthz')).toBe(404);
    expect(await status('/api/v1/events?user=x')).toBe(426);
    expect(await status(`/api/v1/acl/check?user=${ALICE}&path=${BOB}/f&level=1`)).toBe(403);
    expect(await (await fetch(`http://${address}/api/v1/eventsx`)).text()).toBe('the host knows no such thing');
  });

  it('brings clients together beside WebSockets of the host, and leaves without them', async () => {
    const server = createServer();
    const address = await listening(server);
    // `ws` refuses the upgrades of every path but its own: it must not see the relay's, whether it was there before or comes later.
    const chats = [new WebSocketServer({ server, path: '/chat' })];
    const relay = closing(await attachRelay(server, { path: '/hotlink' }));
    server.on('request', app);
    chats[0]?.on('connection', (socket) => socket.on('message', (data) => socket.send(`chat: ${data}`)));

    const there = at(`http://${address}/hotlink`);
    expect((await putAcl(there, ALICE, `${ALICE}/app`, aclYaml([BOB], [BOB]))).status).toBe(200);
    const alice = await RelayClient.connect(there, ALICE);
    const bob = await RelayClient.connect(there, BOB);
    alice.send({ typ: 9, sid: SID, pth: `${ALICE}/app/stream.tcp.request`, to: BOB });
    expect((await bob.next()).message).toMatchObject({ typ: 9, sid: SID });
    expect(relay.stats()).toMatchObject({ connections: 2, sessions: 1 });

    const chat = new WebSocket(`ws://${address}/chat`);
    await once(chat, 'open');
    const says = async (text: string): Promise<string> => {
      chat.send(text);
      return String((await once(chat, 'message'))[0]);
    };
    expect(await says('hello')).toBe('chat: hello');

    await relay.close();
    expect(await Promise.all([alice.closed, bob.closed])).toEqual([1001, 1001]);
    expect(await says('again')).toBe('chat: again');
    expect(await (await fetch(`http://${address}/hotlink`)).text()).toBe('the host knows no such thing');
    expect(Object.hasOwn(server, 'emit')).toBe(false);
    chat.close();
    await once(chat, 'close');
  });

  it('carries a stream between two data planes', async () => {
    const server = createServer(app);
    closing(await attachRelay(server, { path: '/of/ours' }));
    // Attached before it listened.
    const url = `http://${await listening(server)}/of/ours`;
    const [alice, bob] = [ALICE, BOB].map((email) => createHotlink({ email, server: url, threads: 1, lanes: ['relay'] })) as [
      Hotlink,
      Hotlink,
    ];
    cleanups.push(() => Promise.all([alice.stop(), bob.stop()]));
    await Promise.all([alice.start(), bob.start()]);
    const [to, from] = await Promise.all([alice.connect({ peer: BOB, name: 'talk' }), bob.connect({ peer: ALICE, name: 'talk' })]);
    const bytes = randomBytes(3_000_000);
    to.end(bytes);
    expect(Buffer.compare(Buffer.concat(await from.toArray()), bytes)).toBe(0);
    from.end();
    to.resume();
  });

  it('speaks TLS where the host does', async () => {
    const { certificate: cert, key } = createCertificate();
    const server = createSecureServer({ cert, key }, app);
    const address = await listening(server);
    closing(await attachRelay(server, { path: '/hotlink' }));
    const socket = new WebSocket(`wss://${address}/hotlink/api/v1/events?user=${ALICE}`, { rejectUnauthorized: false });
    const [[greeting]] = await Promise.all([once(socket, 'message'), once(socket, 'open')]);
    expect(JSON.parse(String(greeting))).toMatchObject({ typ: 0 });
    socket.close();
    await once(socket, 'close');
  });

  it('shares the host with a second relay, whichever of them leaves first', async () => {
    const server = createServer(app);
    const address = await listening(server);
    const one = closing(await attachRelay(server, { path: '/one' }));
    const two = closing(await attachRelay(server, { path: '/two' }));
    const status = async (path: string): Promise<number> => (await fetch(`http://${address}${path}/healthz`)).status;
    expect([await status('/one'), await status('/two')]).toEqual([200, 200]);
    await one.close();
    expect([await status('/one'), await status('/two')]).toEqual([404, 200]);
    await two.close();
    expect([await status('/one'), await status('/two')]).toEqual([404, 404]);
    expect((await fetch(`http://${address}/`)).status).toBe(200);
  });

  it('takes a body whose sender waits for leave', async () => {
    const server = createServer(app);
    // A host that decides for itself when to give leave.
    server.on('checkContinue', (_request, response) => response.writeHead(417).end());
    const address = await listening(server);
    const relay = closing(await attachRelay(server, { path: '/hotlink' }));
    const url = `http://${address}/hotlink/api/v1/acl?user=${ALICE}&key=${ALICE}/syft.pub.yaml`;
    const put = request(url, { method: 'PUT', headers: { expect: '100-continue' } });
    put.on('continue', () => put.end(aclYaml([BOB])));
    put.flushHeaders();
    const [response] = (await once(put, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(200);
    expect(relay.stats().aclUpdates).toBe(1);
  });

  it('answers an upgrade that nobody knows, so that nobody waits for ever', async () => {
    const server = createServer(app);
    const address = await listening(server);
    closing(await attachRelay(server, { path: '/hotlink' }));
    closing(await attachRelay(server, { path: '/another' }));
    const stranger = new WebSocket(`ws://${address}/chat`);
    stranger.on('error', () => {});
    const [, response] = (await once(stranger, 'unexpected-response')) as [unknown, IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(404);
  });

  it.each(['hotlink', '/a//b', '/a?b', '/ä'])('refuses %s as its path, and leaves the server as it was', async (path) => {
    const server = createServer(app);
    await expect(attachRelay(server, { path })).rejects.toMatchObject({ code: 'ERR_HLNK_CONFIG' });
    expect([Object.hasOwn(server, 'emit'), server.listenerCount('upgrade')]).toEqual([false, 0]);
  });

  it('gives the paths back when its STUN port is taken', async () => {
    const taken = createSocket('udp4').bind(0, '127.0.0.1');
    await once(taken, 'listening');
    const server = createServer(app);
    const address = await listening(server);
    const refused = attachRelay(server, { path: '/hotlink', stunListen: `127.0.0.1:${taken.address().port}` });
    await expect(refused).rejects.toMatchObject({ code: 'ERR_HLNK_PORT_BUSY' });
    taken.close();
    expect(await (await fetch(`http://${address}/hotlink`)).text()).toBe('the host knows no such thing');
  });
});
