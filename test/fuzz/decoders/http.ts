// Requests as any client may write them, at the real HTTP servers over real sockets: the relay's, and a daemon's admin endpoint.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type NetConnectOpts } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AdminServer, startAdmin } from '../../../src/admin/index.js';
import { createHotlink, type Hotlink } from '../../../src/index.js';
import { type RelayServer, startRelay } from '../../../src/relay/index.js';
import { bytesOf, type FuzzDecoder, hold, linesOf } from '../decoder.js';

const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'HEAD'];

/**
 * The first byte says how the rest is sent: as it is, or (as most of what is sent as it is does not get past Node's own parser) as a target,
 * headers and a body in a request that is well-formed otherwise.
 */
function requestOf(input: Uint8Array): Uint8Array {
  const kind = input[0] ?? 0;
  if (kind % 4 === 3) return input.subarray(1);
  const [target = '', headers = '', body = ''] = linesOf(input.subarray(1), 3);
  const clean = target.replace(/[^\x21-\x7e]/g, (char) => encodeURIComponent(char.replace(/\p{Surrogate}/gu, '?')));
  const lines = headers
    .split('|')
    .filter((line) => /^[A-Za-z-]+: ?[^\r\n\0]*$/.test(line) && !/^(content-length|transfer-encoding|host):/i.test(line));
  const head = [
    `${METHODS[(kind >> 2) % METHODS.length]} /${clean} HTTP/1.1`,
    'Host: localhost',
    ...lines,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Sends, half-closes, and reads until the server has closed. @returns status codes of the answers */
async function exchange(where: NetConnectOpts, request: Uint8Array): Promise<number[]> {
  const socket = connect({ ...where, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.end(request);
  await once(socket, 'close');
  return [
    ...Buffer.concat(chunks)
      .toString('latin1')
      .matchAll(/^HTTP\/1\.1 (\d{3})/gm),
  ].map(([, code]) => Number(code));
}

function judged(codes: readonly number[]): void {
  // 501 and 505 are Node's own, for what is no HTTP/1.1.
  hold(!codes.includes(500), 'no request makes the server fail');
}

let relay: RelayServer | undefined;

export const relayRequest: FuzzDecoder = {
  name: 'relay-request',
  what: 'HTTP requests and upgrades at the relay, bodies included',
  maxBytes: 1024,
  inputMs: 2000,
  words: [
    'api/v1/acl?user=a@x.io&key=a@x.io/d/syft.pub.yaml',
    'api/v1/acl/check?user=',
    '&path=',
    '&level=15',
    'api/v1/events?user=a@x.io',
    'Content-Type: multipart/form-data; boundary=x',
    '--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n',
    'Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Version: 13|Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Authorization: Bearer ',
    'Origin: http://localhost',
    '%2e%2e',
    '%00',
    '%ff',
  ],
  seeds: () =>
    [
      '\x00healthz\n\n',
      '\x00api/v1/acl/check?user=a@x.io&path=a@x.io/x&level=1\n\n',
      '\x04api/v1/acl?user=a@x.io&key=a@x.io/d/syft.pub.yaml\n\nrules: []\n',
      '\x04api/v1/acl?user=a@x.io&key=a@x.io/d/syft.pub.yaml\nContent-Type: multipart/form-data; boundary=x\n--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nrules: []\r\n--x--\r\n',
      '\x00api/v1/events?user=a@x.io\nUpgrade: websocket|Connection: Upgrade|Sec-WebSocket-Version: 13|Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\n',
      '\x03GET /api/v1/events?user=a@x.io HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\x82\x85\x00\x00\x00\x00SB\x01\x01\x80',
    ].map(bytesOf),
  async start() {
    relay = await startRelay({ listen: '127.0.0.1:0' });
  },
  async check(input) {
    judged(await exchange({ port: relay?.port ?? 0, host: '127.0.0.1' }, requestOf(input)));
  },
  async stop() {
    await relay?.close();
  },
};

let admin: AdminServer | undefined;
let link: Hotlink | undefined;
let home = '';

export const adminRequest: FuzzDecoder = {
  name: 'admin-request',
  what: 'requests at a daemon’s admin endpoint',
  maxBytes: 512,
  inputMs: 2000,
  words: [
    'healthz',
    'readyz',
    'status',
    'metrics',
    'events?',
    'ping?peer=',
    '&timeout=',
    '&channel=',
    'interval=',
    'Authorization: Bearer ',
    'Origin: ',
    'Sec-Fetch-Site: cross-site',
    'Last-Event-ID: 1',
  ],
  seeds: () =>
    [
      '\x00\n\n',
      '\x00healthz\n\n',
      '\x00readyz\n\n',
      '\x00status\n\n',
      '\x00metrics\n\n',
      '\x00events?interval=100\n\n',
      '\x08ping?peer=b@x.io&timeout=1\n\n',
      '\x03GET /status HTTP/1.1\r\nHost: evil.io\r\n\r\n',
    ].map(bytesOf),
  async start() {
    home = mkdtempSync(join(tmpdir(), 'hotlink-fuzz-admin-'));
    link = createHotlink({ email: 'a@x.io', server: 'http://127.0.0.1:9', dataDir: home });
    admin = await startAdmin({ listen: { socket: join(home, 's') }, link, dataDir: home, email: 'a@x.io', verb: 'up', version: '0' });
  },
  async check(input) {
    judged(await exchange({ path: admin?.address.socket ?? '' }, requestOf(input)));
  },
  async stop() {
    await admin?.close();
    await link?.stop();
    rmSync(home, { recursive: true, force: true });
  },
};
