// Two threads of one process, each with a pair of peer connections that echo over a data channel. `plain` imports the addon as any
// program would; `private` loads it as this one does. Run as a process of its own.
import { isMainThread, parentPort, threadId, Worker, workerData } from 'node:worker_threads';
import type { DataChannel, PeerConnection } from 'node-datachannel';
import { type Addon, cleanupAddon, loadAddon } from '../../workers/addon.js';

const MESSAGES = 5;

if (isMainThread) {
  const mode = process.argv[2] ?? 'private';
  const lines = await Promise.all([1, 2].map(() => oneThread(mode)));
  process.stdout.write(lines.map((line, index) => `thread ${index + 1} ${line}\n`).join(''));
} else {
  const plain = workerData === 'plain';
  const addon = plain ? ((await import('node-datachannel')).default as unknown as Addon) : loadAddon();
  const echoed = await echo(addon);
  if (!plain) cleanupAddon();
  parentPort?.postMessage(`echoed ${echoed}`);
}

function oneThread(mode: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: mode });
    let line = '';
    worker.on('message', (message: string) => {
      line = message;
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve(line));
  });
}

async function echo(addon: Addon): Promise<number> {
  const a = new addon.PeerConnection(`a${threadId}`, { iceServers: [] });
  const b = new addon.PeerConnection(`b${threadId}`, { iceServers: [] });
  const held: DataChannel[] = [];
  join(a, b);
  join(b, a);
  b.onDataChannel((channel) => {
    held.push(channel);
    channel.onMessage((message) => channel.sendMessageBinary(Buffer.from(message as Buffer)));
  });
  const channel = a.createDataChannel('t');
  held.push(channel);
  const echoed = await new Promise<number>((resolve) => {
    let count = 0;
    channel.onOpen(() => channel.sendMessageBinary(Buffer.from([0])));
    channel.onMessage(() => {
      count += 1;
      if (count === MESSAGES) resolve(count);
      else channel.sendMessageBinary(Buffer.from([count]));
    });
  });
  for (const open of held) open.close();
  a.close();
  b.close();
  await new Promise((resolve) => setImmediate(resolve));
  return echoed;
}

function join(from: PeerConnection, to: PeerConnection): void {
  const early: [string, string][] = [];
  let described = false;
  from.onLocalDescription((sdp, type) => {
    to.setRemoteDescription(sdp, type);
    described = true;
    for (const [candidate, mid] of early.splice(0)) to.addRemoteCandidate(candidate, mid);
  });
  from.onLocalCandidate((candidate, mid) => {
    if (described) to.addRemoteCandidate(candidate, mid);
    else early.push([candidate, mid]);
  });
}
