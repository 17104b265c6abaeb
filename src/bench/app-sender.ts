// Entry of the sending application, a process of its own. Exit 0 when every byte left and the connection closed in order.
import { parseAppArguments } from './app-arguments.js';
import { printEvent } from './app-events.js';
import { sendStream } from './send-stream.js';

const report = await sendStream({ ...parseAppArguments(process.argv.slice(2)), onConnected: () => printEvent({ event: 'connected' }) });
printEvent({ event: 'sent', ...report });
process.exitCode = report.ok ? 0 : 1;
