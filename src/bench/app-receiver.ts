// Entry of the receiving application, a process of its own. Exit 0 when every byte arrived and was right.
import { parseAppArguments } from './app-arguments.js';
import { printEvent } from './app-events.js';
import { receiveStream } from './receive-stream.js';

// Whoever started us learns how far we got.
const abort = new AbortController();
process.once('SIGTERM', () => abort.abort());
const report = await receiveStream({
  ...parseAppArguments(process.argv.slice(2)),
  signal: abort.signal,
  onConnected: () => printEvent({ event: 'connected' }),
  onListening: (port) => printEvent({ event: 'listening', port }),
  onProgress: (bytes) => printEvent({ event: 'progress', bytes }),
});
printEvent({ event: 'received', ...report });
process.exitCode = report.ok ? 0 : 1;
