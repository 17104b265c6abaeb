// Stories about the burst's two applications, as processes and in this one, over a plain TCP splice that can be told to misbehave.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { startReceiver, startSender } from '../../src/bench/application.js';
import { FrameSource, framesFor, payloadBytesOf, streamBytesOf } from '../../src/bench/frame-source.js';
import { receiveStream } from '../../src/bench/receive-stream.js';
import { sendStream } from '../../src/bench/send-stream.js';
import { StreamVerifier } from '../../src/bench/stream-verifier.js';

const shape = { link: 'a → b', frameCount: 5, frameBytes: 300_001 };
const timeoutMs = 10_000;

/** Two listeners joined like a tunnel: what comes in at one leaves at the other, through `middle`, which may return less or something else. */
async function splice(middle: (chunk: Buffer, offsetBytes: number) => Buffer | 'cut' = (chunk) => chunk) {
  const servers: Server[] = [];
  const arrived: ((socket: Socket) => void)[] = [];
  const waiting = [0, 1].map((index) => new Promise<Socket>((resolve) => (arrived[index] = resolve)));
  for (const index of [0, 1]) {
    const server = createServer({ allowHalfOpen: true }, (socket) => arrived[index]!(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
  }
  const joined = Promise.all(waiting).then(([into, out]) => {
    let offset = 0;
    into!.on('data', (chunk: Buffer) => {
      const forwarded = middle(chunk, offset);
      offset += chunk.length;
      if (forwarded === 'cut') out!.end();
      else if (!out!.destroyed && !out!.write(forwarded)) {
        into!.pause();
        out!.once('drain', () => into!.resume());
      }
    });
    into!.on('end', () => out!.end());
    out!.on('end', () => into!.end());
    out!.resume();
    for (const socket of [into!, out!]) socket.on('error', () => undefined);
    into!.on('close', () => out!.destroy());
    out!.on('close', () => into!.destroy());
  });
  const [from, to] = servers.map((server) => (server.address() as AddressInfo).port);
  opened.push(...servers);
  return { from: from!, to: to!, joined };
}

const opened: Server[] = [];
afterEach(() => {
  for (const server of opened.splice(0)) server.close();
});

async function through(middle?: (chunk: Buffer, offsetBytes: number) => Buffer | 'cut', sha256 = false) {
  const tunnel = await splice(middle);
  const common = { ...shape, host: '127.0.0.1', sha256, timeoutMs };
  return Promise.all([sendStream({ ...common, port: tunnel.from }), receiveStream({ ...common, port: tunnel.to })]);
}

it.each([1, 300_001, 2 ** 30 + 1, 2 ** 32, 2 ** 34])('a stream of %d bytes is made of frames whose length can be written', (bytes) => {
  const frames = framesFor(bytes);
  expect(payloadBytesOf({ link: 'a → b', ...frames })).toBeGreaterThanOrEqual(bytes);
  expect(payloadBytesOf({ link: 'a → b', ...frames }) - bytes).toBeLessThan(frames.frameCount);
  expect(new FrameSource({ link: 'a → b', ...frames }).next()?.readUInt32BE()).toBe(frames.frameBytes);
});

describe('a stream through a splice', () => {
  it('arrives whole, with equal digests and an end', async () => {
    const [sent, received] = await through(undefined, true);
    expect(sent).toMatchObject({ ok: true, bytes: payloadBytesOf(shape) });
    expect(received).toMatchObject({ ok: true, bytes: payloadBytesOf(shape), endSeen: true });
    expect(received.sha256).toBe(sent.sha256);
    expect(received.verifiedMs).toBeGreaterThanOrEqual(sent.startedMs);
  });

  it('is caught with the offset when one bit flips', async () => {
    const target = 1_000_003;
    const [, received] = await through((chunk, offset) => {
      if (target >= offset && target < offset + chunk.length) chunk[target - offset]! ^= 1;
      return chunk;
    });
    expect(received.ok).toBe(false);
    expect(received.error).toContain(`at offset ${target}`);
  });

  it('is reported as short when it ends early', async () => {
    let cut = false;
    const [, received] = await through((chunk, offset) => {
      cut ||= offset > 500_000;
      return cut ? 'cut' : chunk;
    });
    expect(received.ok).toBe(false);
    expect(received.error).toMatch(new RegExp(`the stream ended early: \\d+ of ${streamBytesOf(shape)} bytes verified`));
  });

  it('is caught when bytes follow the last one', async () => {
    const total = streamBytesOf(shape);
    const [, received] = await through((chunk, offset) =>
      offset + chunk.length === total ? Buffer.concat([chunk, Buffer.from([0])]) : chunk,
    );
    expect(received.ok).toBe(false);
    expect(received.error).toContain('more bytes than the stream has');
  });
});

describe('a stream that never comes', () => {
  it('times out with what was missing', async () => {
    const tunnel = await splice();
    const received = await receiveStream({ ...shape, host: '127.0.0.1', port: tunnel.to, sha256: false, timeoutMs: 50 });
    expect(received.error).toBe(`not complete after 50 ms: 0 of ${streamBytesOf(shape)} bytes verified`);
  });

  it('is a refused connection where nobody listens', async () => {
    const tunnel = await splice();
    for (const server of opened.splice(0)) server.close();
    const sent = await sendStream({ ...shape, host: '127.0.0.1', port: tunnel.from, sha256: false, timeoutMs });
    expect(sent).toMatchObject({ ok: false, bytes: 0 });
    expect(sent.error).toContain('ECONNREFUSED');
  });
});

describe('the two programs', () => {
  it('carry a checked stream between two processes', async () => {
    const tunnel = await splice();
    const common = { ...shape, sha256: true, timeoutMs };
    const receiver = startReceiver({ ...common, address: `127.0.0.1:${tunnel.to}` });
    await receiver.ready;
    const sender = startSender({ ...common, address: `127.0.0.1:${tunnel.from}` });
    const [sent, received] = await Promise.all([sender.report, receiver.report]);
    expect(sent).toMatchObject({ ok: true });
    expect(received).toMatchObject({ ok: true, bytes: payloadBytesOf(shape), sha256: sent.sha256 });
  });

  it('also run without a tunnel, the receiver listening', async () => {
    const common = { ...shape, sha256: false, timeoutMs };
    const receiver = startReceiver({ ...common, address: '127.0.0.1:0', listen: true });
    const sender = startSender({ ...common, address: `127.0.0.1:${await receiver.ready}` });
    const [sent, received] = await Promise.all([sender.report, receiver.report]);
    expect(sent.ok && received.ok).toBe(true);
  });

  it('say what is wrong with their arguments', async () => {
    const sender = startSender({ ...shape, address: 'nowhere', sha256: false, timeoutMs });
    expect((await sender.report).ok).toBe(false);
    expect((await sender.child.exited).code).toBe(1);
  });
});

describe('the verifier', () => {
  const small = { link: 'x', frameCount: 3, frameBytes: 700 };
  const stream = (of = small): Buffer => {
    const source = new FrameSource(of);
    const pieces: Buffer[] = [];
    for (let piece = source.next(); piece; piece = source.next()) pieces.push(piece);
    return Buffer.concat(pieces);
  };

  it('does not care how the stream is cut', () => {
    const whole = stream();
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 20 }), (cuts) => {
        const verifier = new StreamVerifier(small, { sha256: true });
        let at = 0;
        for (const cut of [...cuts, whole.length]) {
          if (at === whole.length) break;
          const verdict = verifier.push(whole.subarray(at, at + cut));
          at = Math.min(whole.length, at + cut);
          expect(verdict).toBe(at === whole.length ? 'complete' : 'more');
        }
      }),
      { numRuns: 50 },
    );
  });

  it('finds any flipped byte at its offset', () => {
    const whole = stream();
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (offset, flip) => {
        const broken = Buffer.from(whole);
        broken[offset]! ^= flip;
        const verifier = new StreamVerifier(small, { sha256: false });
        expect(verifier.push(broken)).toBe('fault');
        expect(verifier.fault).toContain(`at offset ${offset}`);
        expect(verifier.verifiedBytes).toBeLessThanOrEqual(offset);
      }),
      { numRuns: 50 },
    );
  });

  it('tells a repeated, swapped or foreign frame from the right one', () => {
    const frames = [0, 1, 2].map((index) => stream().subarray(index * 704, (index + 1) * 704));
    const verdict = (...parts: Buffer[]) => new StreamVerifier(small, { sha256: false }).push(Buffer.concat(parts));
    expect(verdict(frames[0]!, frames[1]!, frames[2]!)).toBe('complete');
    expect(verdict(frames[0]!, frames[0]!)).toBe('fault');
    expect(verdict(frames[1]!)).toBe('fault');
    expect(verdict(stream({ ...small, link: 'y' }))).toBe('fault');
  });
});
