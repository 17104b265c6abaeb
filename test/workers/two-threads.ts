// Two threads of one process, each with a pair of peer connections that echo over a data channel. `plain` imports the addon as any
// program would; `private` loads it as this one does. Run as a process of its own.
import { once } from 'node:events';
import { isMainThread, parentPort, threadId, Worker, workerData } from 'node:worker_threads';
import type { DataChannel, PeerConnection } from 'node-datachannel';
import { type Addon, cleanupAddon, loadAddon } from '../../workers/addon.js';

const MESSAGES = 5;
let ended = false;

if (isMainThread) {
  const mode = process.argv[2] ?? 'private';
  const threads = [1, 2].map(() => new Worker(new URL(import.meta.url), { workerData: mode }));
  const lines = await Promise.all(threads.map(async (thread) => (await once(thread, 'message'))[0] as string));
  // One after the other, and ended by us as the product's are: now and then a callback that the addon never released keeps a thread's loop alive.
  for (const thread of threads) {
    const left = once(thread, 'message');
    thread.postMessage('leave');
    await left;
    await thread.terminate();
  }
  process.stdout.write(lines.map((line, index) => `thread ${index + 1} ${line}\n`).join(''));
} else {
  const plain = workerData === 'plain';
  const addon = plain ? ((await import('node-datachannel')).default as unknown as Addon) : loadAddon();
  const echoed = await echo(addon);
  parentPort?.once('message', () => {
    if (!plain) cleanupAddon();
    parentPort?.postMessage('left');
  });
  parentPort?.postMessage(`echoed ${echoed}`);
}

async function echo(addon: Addon): Promise<number> {
  const a = new addon.PeerConnection(`a${threadId}`, { iceServers: [] });
  const b = new addon.PeerConnection(`b${threadId}`, { iceServers: [] });
  const held: DataChannel[] = [];
  join(a, b);
  b.onDataChannel((channel) => {
    held.push(channel);
    channel.onMessage((message) => channel.sendMessageBinary(Buffer.from(message as Buffer)));
  });
  const channel = a.createDataChannel('t');
  held.push(channel);
  const echoed = await new Promise<number>((resolve, reject) => {
    let count = 0;
    a.onStateChange((state) => {
      if (state === 'failed') reject(new Error('the connection failed'));
    });
    channel.onOpen(() => channel.sendMessageBinary(Buffer.from([0])));
    channel.onMessage(() => {
      count += 1;
      if (count === MESSAGES) resolve(count);
      else channel.sendMessageBinary(Buffer.from([count]));
    });
  });
  ended = true;
  for (const open of held) open.close();
  a.close();
  b.close();
  await new Promise((resolve) => setImmediate(resolve));
  return echoed;
}

/** Candidates wait until the offerer has the answer: ICE that comes up before knows no fingerprint to verify DTLS with, and the connection closes. */
function join(offerer: PeerConnection, answerer: PeerConnection): void {
  const early: (() => void)[] = [];
  let described = false;
  const pass = (from: PeerConnection, to: PeerConnection): void =>
    from.onLocalCandidate((candidate, mid) => {
      const add = (): void => to.addRemoteCandidate(candidate, mid);
      if (!described) early.push(add);
      // One may be reported after the other end was closed, where it would throw.
      else if (!ended) add();
    });
  pass(offerer, answerer);
  pass(answerer, offerer);
  offerer.onLocalDescription((sdp, type) => answerer.setRemoteDescription(sdp, type));
  answerer.onLocalDescription((sdp, type) => {
    offerer.setRemoteDescription(sdp, type);
    described = true;
    for (const add of early.splice(0)) add();
  });
}
