// Entry of the sending application, a process of its own. Exit 0 when every byte left and the connection closed in order.
import { parseAppArguments } from './app-arguments.js';
import { printEvent } from './app-events.js';
import { sendStream } from './send-stream.js';

// Whoever started us learns how far we got.
const abort = new AbortController();
process.once('SIGTERM', () => abort.abort());
const report = await sendStream({
  ...parseAppArguments(process.argv.slice(2)),
  signal: abort.signal,
  onConnected: () => printEvent({ event: 'connected' }),
});
printEvent({ event: 'sent', ...report });
process.exitCode = report.ok ? 0 : 1;
