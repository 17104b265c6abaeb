// Loaded into a daemon before it starts, in each of its threads (`--import`): keeps an eye on the peer connections that the WebRTC addon
// makes, and closes those that are live, or one of them, when the process that started the daemon asks for it. The daemon itself is what ships, and learns
// of it from the addon alone. Answers with how many there were.

import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import type { PeerConnection } from 'node-datachannel';

export type CloserQuestion = 'close' | 'close one' | 'count';

/** Threads that have no addon do not answer; those that have one do so within this long, ms. */
const COLLECT_MS = 100;

interface Answer {
  live: number;
}

const questions = new BroadcastChannel('peer-closer questions');
const answers = new BroadcastChannel('peer-closer answers');
const seen: WeakRef<PeerConnection>[] = [];
let closings = 0;

// Messages on these channels must not keep a daemon that is done.
questions.unref();
answers.unref();

function live(): PeerConnection[] {
  return seen.flatMap((reference) => {
    const connection = reference.deref();
    return connection?.state() === 'connected' ? [connection] : [];
  });
}

function watch(): void {
  const { dlopen } = process;
  process.dlopen = (module: object, file: string, flags?: number): void => {
    if (flags === undefined) dlopen.call(process, module, file);
    else dlopen.call(process, module, file, flags);
    const loaded = module as { exports: { PeerConnection?: new (...args: never[]) => PeerConnection } };
    const { PeerConnection } = loaded.exports;
    if (PeerConnection === undefined) return;
    const watched = new Proxy(PeerConnection, {
      construct: (target, args) => {
        const connection = Reflect.construct(target, args) as PeerConnection;
        seen.push(new WeakRef(connection));
        return connection;
      },
    });
    loaded.exports = { ...loaded.exports, PeerConnection: watched };
  };
  questions.onmessage = (event: unknown) => {
    const question = (event as { data: CloserQuestion }).data;
    const connections = live();
    if (question === 'close') for (const connection of connections) connection.close();
    // Not always the first, which is special, and not never.
    else if (question === 'close one') connections[closings++ % connections.length]?.close();
    answers.postMessage({ live: connections.length } satisfies Answer);
  };
}

function ask(): void {
  let total = 0;
  answers.onmessage = (event: unknown) => {
    total += (event as { data: Answer }).data.live;
  };
  process.on('message', (question: CloserQuestion) => {
    total = 0;
    questions.postMessage(question);
    setTimeout(() => process.send?.(total), COLLECT_MS);
  });
  process.channel?.unref();
}

if (isMainThread) ask();
else watch();
