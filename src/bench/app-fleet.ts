// Entry of the application with many streams, a process of its own. It reports when everything was sent, or arrived; with --hold its connections then
// stay open, silent, until standard input ends. Exit 0 when every byte was right.
import { parseArgs } from 'node:util';
import { wholeNumber } from './app-arguments.js';
import { printEvent } from './app-events.js';
import { runFleet } from './fleet.js';

const { values } = parseArgs({
  options: {
    role: { type: 'string', default: 'send' },
    host: { type: 'string', default: '127.0.0.1' },
    ports: { type: 'string', default: '0' },
    listen: { type: 'boolean', default: false },
    streams: { type: 'string', default: '1' },
    link: { type: 'string', default: 'link' },
    count: { type: 'string', default: '1' },
    size: { type: 'string', default: '1' },
    hold: { type: 'boolean', default: false },
    'timeout-ms': { type: 'string', default: '180000' },
  },
});
const abort = new AbortController();
process.once('SIGTERM', () => abort.abort());
const hold = new Promise<void>((resolve) => {
  if (values.hold) process.stdin.on('end', resolve).on('close', resolve).resume();
  else resolve();
});
const report = await runFleet({
  role: values.role === 'receive' ? 'receive' : 'send',
  host: values.host,
  ports: values.ports.split(',').map((port) => wholeNumber('--ports', port, 0)),
  listen: values.listen,
  streams: wholeNumber('--streams', values.streams),
  link: values.link,
  frameCount: wholeNumber('--count', values.count),
  frameBytes: wholeNumber('--size', values.size),
  timeoutMs: wholeNumber('--timeout-ms', values['timeout-ms']),
  signal: abort.signal,
  hold,
  onConnected: () => printEvent({ event: 'connected' }),
  onListening: (port) => printEvent({ event: 'listening', port }),
  onDone: (done) => printEvent({ event: 'fleet', ...done }),
});
process.exitCode = report.ok ? 0 : 1;
process.stdin.destroy();
