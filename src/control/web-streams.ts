// A program's stream as a pair of web streams. Node's own `Duplex.toWeb` counts chunks where it means bytes (Node 20), so that nothing would hold
// a writer up; here the readable asks for a chunk at a time, and the writable takes the next one when the last is out of the process's heap.
// Main thread.

import type { Duplex } from 'node:stream';
import { ByteLengthQueuingStrategy, ReadableStream, WritableStream } from 'node:stream/web';
import { HotlinkError } from '../../native-free/index.js';
import type { WebStreamPair } from '../forward.js';

export function webStreams(stream: Duplex): WebStreamPair {
  return { readable: readableOf(stream), writable: writableOf(stream) };
}

function readableOf(stream: Duplex): ReadableStream<Uint8Array> {
  // Not destroyed with the iteration: the other direction goes on.
  const chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next();
          if (done === true) controller.close();
          else controller.enqueue(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
        } catch {
          controller.error(reasonOf(stream));
        }
      },
      async cancel() {
        await chunks.return?.();
        // The rest is discarded, so that the peer comes to its end.
        stream.resume();
      },
    },
    { highWaterMark: 0 },
  );
}

function writableOf(stream: Duplex): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>(
    {
      start(controller) {
        stream.on('error', () => {});
        stream.once('close', () => {
          if (!stream.writableFinished) controller.error(reasonOf(stream));
        });
      },
      write: (chunk) =>
        new Promise((resolve, reject) => {
          stream.write(chunk, (error) => (error ? reject(reasonOf(stream)) : resolve()));
        }),
      close: () =>
        new Promise((resolve, reject) => {
          stream.once('finish', resolve);
          stream.once('close', () => reject(reasonOf(stream)));
          stream.end();
        }),
      abort(reason) {
        stream.destroy(reason instanceof Error ? reason : new HotlinkError('ERR_HLNK_CLOSED', String(reason ?? 'aborted')));
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: stream.writableHighWaterMark }),
  );
}

/** Why it is over. One that was destroyed without an error was closed on this side. */
function reasonOf(stream: Duplex): Error {
  return stream.errored ?? new HotlinkError('ERR_HLNK_CLOSED', 'the stream was closed on this side');
}
