// A relay that does not answer any more: noticed early enough that a peer, silent for the same reason, is not yet given up.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { DEFAULT_LIMITS, lossAfterMs } from '../../native-free/channel/limits.js';
import { RelaySocket } from '../../workers/relay/socket.js';
import { until } from '../support/sandbox.js';

let server: WebSocketServer;
let far: WebSocket | undefined;
let socket: RelaySocket;
let words: boolean[];
let upMs: number;
beforeEach(async () => {
  words = [];
  upMs = 0;
  far = undefined;
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false });
  await once(server, 'listening');
  server.on('connection', (connection: WebSocket) => {
    far = connection;
  });
  const up = (): void => {
    upMs = performance.now();
  };
  socket = new RelaySocket(
    `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    {},
    { up, down: () => {}, message: () => {}, quiet: (quiet) => words.push(quiet) },
  );
  await until('the connection is up', () => upMs > 0 && far !== undefined);
});
afterEach(async () => {
  far?.terminate();
  await socket.close();
  await new Promise((resolve) => server.close(resolve));
});

describe('a relay that falls silent', () => {
  it('is noticed while a peer whose last word is a keep-alive older is still waited for, and so is its return', async () => {
    await until('it is noticed', () => words.length > 0);
    expect(words).toEqual([true]);
    expect(performance.now() - upMs).toBeLessThan(lossAfterMs(DEFAULT_LIMITS) - DEFAULT_LIMITS.keepAliveMs);
    far?.send('a word');
    await until('it is heard', () => words.length > 1);
    expect(words).toEqual([true, false]);
  });
});
