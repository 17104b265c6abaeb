// Entry of the application that sends and receives at once, a process of its own. Exit 0 when every byte arrived and was right.
import { parseArgs } from 'node:util';
import { parseAddress, wholeNumber } from './app-arguments.js';
import { printEvent } from './app-events.js';
import { exchangeStream } from './exchange-stream.js';

const { values } = parseArgs({
  options: {
    side: { type: 'string', default: 'a' },
    connect: { type: 'string' },
    listen: { type: 'string' },
    link: { type: 'string', default: 'link' },
    count: { type: 'string', default: '1' },
    size: { type: 'string', default: '1' },
    'timeout-ms': { type: 'string', default: '180000' },
  },
});
const abort = new AbortController();
process.once('SIGTERM', () => abort.abort());
const report = await exchangeStream({
  ...parseAddress(values.connect, values.listen),
  side: values.side === 'b' ? 'b' : 'a',
  link: values.link,
  frameCount: wholeNumber('--count', values.count),
  frameBytes: wholeNumber('--size', values.size),
  timeoutMs: wholeNumber('--timeout-ms', values['timeout-ms']),
  signal: abort.signal,
  onConnected: () => printEvent({ event: 'connected' }),
  onListening: (port) => printEvent({ event: 'listening', port }),
});
printEvent({ event: 'exchanged', ...report });
process.exitCode = report.ok ? 0 : 1;
