// Attempts and lanes over real TLS on 127.0.0.1: two ends in this thread, and strangers who want in.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../native-free/hlnk/index.js';
import type { DirectParty } from '../../native-free/session/direct-signal.js';
import { createCertificate } from '../../src/control/certificate.js';
import { DirectAttempt } from '../../workers/direct/attempt.js';
import { greeting } from '../../workers/direct/greeting.js';
import { DirectLane, type DirectLaneEvents } from '../../workers/lanes/direct.js';
import { until } from '../support/sandbox.js';

class End {
  readonly identity = { ...createCertificate(), port: 0 };
  readonly token = randomBytes(16).toString('hex');
  readonly refused: string[] = [];
  readonly exhausted: string[] = [];
  port = -1;
  socket: TLSSocket | undefined;
  /** What to do with the connection in the turn in which it is agreed on. */
  atOnce: (socket: TLSSocket) => void = () => {};
  readonly attempt: DirectAttempt;

  constructor(chooses: boolean) {
    this.attempt = new DirectAttempt(
      { token: this.token, chooses, loopback: true, identity: this.identity },
      {
        listening: (port) => {
          this.port = port;
        },
        joined: (socket) => {
          this.socket = socket;
          this.atOnce(socket);
        },
        exhausted: (reason) => this.exhausted.push(reason),
        refused: (reason) => this.refused.push(reason),
      },
    );
    open.push(this);
  }

  get party(): DirectParty {
    return { token: this.token, fingerprint: this.identity.fingerprint, addresses: [`127.0.0.1:${this.port}`] };
  }
}

const open: End[] = [];
const servers: (Server | TlsServer)[] = [];
afterEach(async () => {
  for (const end of open.splice(0)) {
    end.attempt.close();
    end.socket?.destroy();
  }
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** Not `once`: it would take the alert that tells of the refusal for a failure of its own. */
async function gone(socket: Socket): Promise<void> {
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
}

async function ends(): Promise<[End, End]> {
  const pair: [End, End] = [new End(true), new End(false)];
  await until('both listen', () => pair.every(({ port }) => port > 0));
  return pair;
}

const joined = (pair: readonly End[]): Promise<void> =>
  until('both have a connection', () => pair.every(({ socket }) => socket !== undefined));

async function serve<T extends Server | TlsServer>(server: T): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('an attempt at a direct lane', () => {
  it('keeps the same one connection on both sides when both dial', async () => {
    const [a, b] = await ends();
    a.attempt.meet(b.party);
    b.attempt.meet(a.party);
    await joined([a, b]);
    expect([a.socket?.localPort, a.socket?.remotePort]).toEqual([b.socket?.remotePort, b.socket?.localPort]);
    expect(a.socket?.getProtocol()).toBe('TLSv1.3');
    expect([...a.refused, ...b.refused]).toEqual([]);
  });

  it.each([
    ['only the opener', 0],
    ['only the acceptor', 1],
  ] as const)('is enough when %s can be reached', async (_, reachable) => {
    const pair = await ends();
    pair.forEach((end, i) => {
      const other = pair[1 - i] as End;
      end.attempt.meet(1 - i === reachable ? other.party : { ...other.party, addresses: [] });
    });
    await joined(pair);
  });

  it('takes a peer that dials before its answer came', async () => {
    const [a, b] = await ends();
    a.attempt.meet(b.party);
    await new Promise((resolve) => setImmediate(resolve));
    b.attempt.meet({ ...a.party, addresses: [] });
    await joined([a, b]);
  });

  it('says why every address failed', async () => {
    const [a] = await ends();
    const closed = await serve(createServer());
    await new Promise((resolve) => servers.pop()?.close(resolve));
    a.attempt.meet({ token: 'ab'.repeat(16), fingerprint: 'cd'.repeat(32), addresses: [`127.0.0.1:${closed}`] });
    await until('it gave up', () => a.exhausted.length > 0);
    expect(a.exhausted[0]).toMatch(/ECONNREFUSED/);
  });
});

describe('a peer that offers addresses of its choice', () => {
  it.each([
    ['on this machine', true, ['169.254.169.254:80', '192.0.2.1:9', '[::]:9']],
    ['elsewhere', false, ['127.0.0.1:9', '[::ffff:127.0.0.1]:9', '169.254.169.254:80']],
  ])('%s has none dialled that it cannot have itself', async (_, loopback, addresses) => {
    const exhausted: string[] = [];
    const identity = { ...createCertificate(), port: 0 };
    const events = { listening: () => {}, joined: () => {}, exhausted: (reason: string) => exhausted.push(reason), refused: () => {} };
    const attempt = new DirectAttempt({ token: '03'.repeat(16), chooses: true, loopback, identity }, events);
    attempt.meet({ token: 'ab'.repeat(16), fingerprint: 'cd'.repeat(32), addresses });
    // At once: nothing was tried.
    expect(exhausted).toHaveLength(1);
    for (const address of addresses) expect(exhausted[0]).toContain(`${address} is not dialled`);
    attempt.close();
  });
});

describe('the port of a direct lane', () => {
  it('is shared by the attempts of a thread and given up with the last of them', async () => {
    const identity = { ...createCertificate(), port: 0 };
    const ports: number[] = [];
    const make = (token: string): DirectAttempt =>
      new DirectAttempt(
        { token, chooses: true, loopback: true, identity },
        { listening: (port) => ports.push(port), joined: () => {}, exhausted: () => {}, refused: () => {} },
      );
    const [one, two] = [make('01'.repeat(16)), make('02'.repeat(16))];
    await until('both were told', () => ports.length === 2);
    const [port = 0] = ports;
    expect(ports).toEqual([port, port]);
    const reach = async (): Promise<string> => {
      const socket = connectTcp(port, '127.0.0.1');
      const outcome = await Promise.race([
        once(socket, 'connect').then(() => 'connected'),
        once(socket, 'error').then(() => 'never'),
      ]).catch((error: NodeJS.ErrnoException) => error.code ?? 'failed');
      socket.destroy();
      return outcome;
    };
    one.close();
    expect(await reach()).toBe('connected');
    two.close();
    expect(await reach()).toBe('ECONNREFUSED');
  });
});

describe('a stranger in the middle', () => {
  it('who answers for the peer with a certificate of their own gets no token', async () => {
    const [a, b] = await ends();
    const { key, certificate } = createCertificate();
    const heard: Buffer[] = [];
    const port = await serve(
      createTlsServer({ key, cert: certificate, requestCert: true, rejectUnauthorized: false }, (socket) => {
        socket.on('error', () => {}).on('data', (data: Buffer) => heard.push(data));
      }),
    );
    a.attempt.meet({ ...b.party, addresses: [`127.0.0.1:${port}`] });
    await until('it was refused', () => a.refused.length > 0);
    expect(a.refused[0]).toMatch(/not the peer/);
    await until('it gave up', () => a.exhausted.length > 0);
    expect(heard).toEqual([]);
    expect(a.socket).toBeUndefined();
  });

  it.each([
    ['our token and a certificate of their own', (a: End) => ({ ...createCertificate(), token: a.token })],
    ['a token nobody made', () => ({ ...createCertificate(), token: 'ee'.repeat(16) })],
  ])('who dials in with %s gets nothing and is counted', async (_, make) => {
    const [a, b] = await ends();
    a.attempt.meet({ ...b.party, addresses: [] });
    const { key, certificate, token } = make(a);
    const socket = connectTls({ host: '127.0.0.1', port: a.port, key, cert: certificate, rejectUnauthorized: false });
    const heard: Buffer[] = [];
    socket.on('error', () => {}).on('data', (data: Buffer) => heard.push(data));
    socket.write(greeting(token));
    await until('it was refused', () => a.refused.length + b.refused.length > 0);
    await gone(socket);
    expect(heard).toEqual([]);
    expect(a.socket).toBeUndefined();
    // The peer is still welcome.
    b.attempt.meet(a.party);
    await joined([a, b]);
  });

  it('who replays the token of a connection that is up gets nothing and is counted', async () => {
    const [a, b] = await ends();
    a.attempt.meet(b.party);
    b.attempt.meet(a.party);
    await joined([a, b]);
    for (const token of [a.token, b.token]) {
      const { key, certificate } = createCertificate();
      const socket = connectTls({ host: '127.0.0.1', port: a.port, key, cert: certificate, rejectUnauthorized: false });
      const heard: Buffer[] = [];
      socket.on('error', () => {}).on('data', (data: Buffer) => heard.push(data));
      socket.write(greeting(token));
      await gone(socket);
      expect(heard).toEqual([]);
    }
    expect(a.refused.length + b.refused.length).toBe(2);
    expect(a.socket?.destroyed).toBe(false);
  });

  it.each([
    ['plain TCP', 'HLD1 let me in please, I am as good as any'],
    ['an HTTP request', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['random bytes', randomBytes(300)],
  ])('who speaks %s gets nothing and is counted', async (_, words) => {
    const [a, b] = await ends();
    a.attempt.meet({ ...b.party, addresses: [] });
    const socket = connectTcp(a.port, '127.0.0.1');
    const heard: Buffer[] = [];
    socket.on('error', () => {}).on('data', (data: Buffer) => heard.push(data));
    socket.write(words);
    await until('it was refused', () => a.refused.length + b.refused.length > 0);
    await gone(socket);
    // A TLS alert may come back, nothing else.
    expect(Buffer.concat(heard).length).toBeLessThan(10);
  });

  it.each([
    ['shows no certificate', {}, greeting('aa'.repeat(16))],
    ['speaks an older TLS', { ...createCertificate(), maxVersion: 'TLSv1.2' as const }, greeting('aa'.repeat(16))],
    ['greets with garbage', createCertificate(), randomBytes(20)],
  ])('who %s is turned away', async (_, { certificate: cert, ...options }: { certificate?: string }, words) => {
    const [a, b] = await ends();
    const socket = connectTls({ host: '127.0.0.1', port: a.port, rejectUnauthorized: false, ...options, ...(cert ? { cert } : {}) });
    socket.on('error', () => {}).resume();
    socket.write(words);
    await until('it was refused', () => a.refused.length + b.refused.length > 0);
    await gone(socket);
  });
});

const silent: DirectLaneEvents = { frame: () => {}, writable: () => {}, closed: () => {} };
const payload = (frame: Uint8Array): Uint8Array => frame.subarray(frame.length - PAYLOAD_BYTES);
const PAYLOAD_BYTES = 200_000;

async function lanes(a: Partial<DirectLaneEvents>, b: Partial<DirectLaneEvents>, highBytes = 1_048_576): Promise<[DirectLane, DirectLane]> {
  const pair = await ends();
  pair[0].attempt.meet(pair[1].party);
  pair[1].attempt.meet(pair[0].party);
  await joined(pair);
  const made = pair.map(({ socket }, i) => new DirectLane('s1', socket as TLSSocket, highBytes, { ...silent, ...(i === 0 ? a : b) }));
  for (const lane of made) lane.begin();
  return made as [DirectLane, DirectLane];
}

describe('a direct lane', () => {
  it('has its own copy of a frame when it says taken: shared memory may be written over at once', async () => {
    const received = createHash('sha256');
    const sent = createHash('sha256');
    let got = 0;
    let kept: Uint8Array | undefined;
    let resume = (): void => {};
    const [a] = await lanes(
      { writable: () => resume() },
      {
        frame: (_, message) => {
          got += 1;
          kept ??= message;
          received.update(payload(message));
        },
      },
    );
    const memory = new Uint8Array(new SharedArrayBuffer(300_000));
    let first: Buffer | undefined;
    for (let seq = 1; seq <= 300; seq += 1) {
      const bytes = randomBytes(PAYLOAD_BYTES);
      first ??= bytes;
      sent.update(bytes);
      const frame = encodeFrame('a@b.co/x', 'e', seq, bytes);
      memory.set(frame);
      for (;;) {
        const verdict = a.trySend(memory.subarray(0, frame.length));
        if (verdict === 'taken') break;
        expect(verdict).toBe('full');
        await new Promise<void>((resolve) => {
          resume = resolve;
        });
      }
      memory.fill(0xff);
    }
    await until('everything arrived', () => got === 300);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
    // What was handed over stays as it was, however much came after it.
    expect(Buffer.from(payload(kept as Uint8Array)).equals(first as Buffer)).toBe(true);
  });

  it('has its own copy of its first frame too, sent behind the word that keeps the connection', async () => {
    const pair = await ends();
    let got: Uint8Array | undefined;
    const bytes = randomBytes(PAYLOAD_BYTES);
    const memory = new Uint8Array(new SharedArrayBuffer(300_000));
    const frame = encodeFrame('a@b.co/x', 'e', 1, bytes);
    pair[0].atOnce = (socket) => {
      const lane = new DirectLane('s1', socket, 1_048_576, silent);
      memory.set(frame);
      expect(lane.trySend(memory.subarray(0, frame.length))).toBe('taken');
      memory.fill(0xff);
      lane.begin();
    };
    pair[1].atOnce = (socket) => new DirectLane('s1', socket, 1000, { ...silent, frame: (_, message) => (got = message) }).begin();
    pair[0].attempt.meet(pair[1].party);
    pair[1].attempt.meet(pair[0].party);
    await until('it arrived', () => got !== undefined);
    expect(Buffer.from(payload(got as Uint8Array)).equals(bytes)).toBe(true);
  });

  it('hands over small frames for the moment only, or whoever keeps one would keep the block around it', async () => {
    const lasting: [number, boolean][] = [];
    const [a] = await lanes({}, { frame: (_, message, lasts) => lasting.push([message.length, lasts]) });
    const frames = [10, 60_000, 240_000].map((bytes) => encodeFrame('p@q.co/x', '', 1, new Uint8Array(bytes)));
    for (const frame of frames) expect(a.trySend(frame, true)).toBe('taken');
    await until('they arrived', () => lasting.length === frames.length);
    expect(lasting).toEqual(frames.map(({ length }, i) => [length, i === 2]));
  });

  it('keeps the order of small frames sent in one turn, and takes urgent ones when full', async () => {
    const seen: number[] = [];
    const [a] = await lanes({}, { frame: (_, message) => seen.push(message.length) }, 4096);
    const sizes = Array.from({ length: 40 }, (_, i) => 100 + i);
    const send = (bytes: number, urgent: boolean) => a.trySend(encodeFrame('p@q.co/x', '', bytes, new Uint8Array(bytes)), urgent);
    const verdicts = sizes.map((bytes) => send(bytes, false));
    expect(verdicts.at(-1)).toBe('full');
    expect(send(5, true)).toBe('taken');
    const taken = sizes.filter((_, i) => verdicts[i] === 'taken');
    await until('they arrived', () => seen.length === taken.length + 1);
    const head = (seen[0] as number) - (taken[0] as number);
    expect(seen).toEqual([...taken, 5].map((bytes) => bytes + head));
  });

  it('ends with a reason when the other end sends what is no frame', async () => {
    const reasons: string[] = [];
    const pair = await ends();
    pair[0].attempt.meet(pair[1].party);
    pair[1].attempt.meet(pair[0].party);
    await joined(pair);
    const lane = new DirectLane('s1', pair[0].socket as TLSSocket, 1000, { ...silent, closed: (_, reason) => reasons.push(reason) });
    lane.begin();
    pair[1].socket?.write('this is no frame');
    await until('it ended', () => reasons.length > 0);
    expect(reasons).toEqual(['what arrived is no frame: bad-magic']);
    expect(lane.trySend(new Uint8Array(10))).toBe('closed');
  });

  it('tells when the other end is gone, and not of its own close', async () => {
    const reasons: string[] = [];
    const [a, b] = await lanes({ closed: () => reasons.push('a') }, { closed: (_, reason) => reasons.push(reason) });
    a.close();
    await until('the other end knows', () => reasons.length > 0);
    expect(reasons).toEqual(['the peer closed the connection']);
    expect(b.trySend(new Uint8Array(10))).toBe('closed');
  });

  it('lets what it took leave before it closes', async () => {
    let bytes = 0;
    const [a] = await lanes({}, { frame: (_, message) => (bytes += message.length) });
    const frame = encodeFrame('p@q.co/x', '', 1, new Uint8Array(100_000));
    let taken = 0;
    while (a.trySend(frame) === 'taken') taken += 1;
    for (let i = 0; i < 3; i += 1) if (a.trySend(frame, true) === 'taken') taken += 1;
    expect(taken).toBe(4);
    a.close();
    await until('it arrived', () => bytes === taken * frame.length);
  });
});
