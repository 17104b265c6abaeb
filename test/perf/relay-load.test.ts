// A small run of the relay's load: many users, sessions that are never idle, every message looked at; and the load finds what it is there to find.
import { afterEach, describe, expect, it } from 'vitest';
import { LoadClients } from '../../perf/relay-load/clients.js';
import { LoadServer, type ServerKind } from '../../perf/relay-load/server.js';

const SESSIONS = 40;
let server: LoadServer | undefined;
let clients: LoadClients | undefined;

async function open(kind: ServerKind, payloadBytes: number): Promise<LoadClients> {
  server = await LoadServer.start(kind);
  const shape = { sessions: SESSIONS, payloadBytes, window: 4, digests: true };
  clients = await LoadClients.connect(server, shape, AbortSignal.timeout(60_000));
  return clients;
}

describe('a relay under load', () => {
  afterEach(async () => {
    clients?.close();
    await server?.stop();
  });

  it.each([
    ['relay', 1024],
    ['relay', 61_440],
    ['hub', 1024],
  ] as const)('loses, repeats and changes nothing: %s, %i bytes a message', { timeout: 60_000 }, async (kind, payloadBytes) => {
    const busy = await open(kind, payloadBytes);
    expect(busy.users).toBe(2 * SESSIONS);
    const figures = await busy.run(2, AbortSignal.timeout(50_000));
    expect(figures.messages).toBeGreaterThan(SESSIONS * 4);
    expect(figures.serverCpuMs).toBeGreaterThan(0);
  });

  it('is not taken for sound when the server dies in the middle', { timeout: 60_000 }, async () => {
    const busy = await open('relay', 1024);
    const run = expect(busy.run(30, AbortSignal.timeout(50_000))).rejects.toThrow(/closed with|is gone/);
    await server?.stop();
    await run;
  });
});
