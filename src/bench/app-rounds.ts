// Entry of both applications of half-duplex rounds, a process of its own: `node app-rounds.js --role ask --connect 127.0.0.1:13001`.
// Exit 0 when every round was right.
import { parseArgs } from 'node:util';
import { parseAddress, wholeNumber } from './app-arguments.js';
import { printEvent } from './app-events.js';
import { answerRounds, askRounds, type RoundsOptions } from './rounds.js';

const { values } = parseArgs({
  options: {
    role: { type: 'string' },
    connect: { type: 'string' },
    listen: { type: 'string' },
    size: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '1000' },
    'warm-up': { type: 'string', default: '0' },
    'length-first': { type: 'boolean', default: false },
    nagle: { type: 'boolean', default: false },
    'timeout-ms': { type: 'string', default: '180000' },
  },
});
const abort = new AbortController();
process.once('SIGTERM', () => abort.abort());
const options: RoundsOptions = {
  ...parseAddress(values.connect, values.listen),
  messageBytes: wholeNumber('--size', values.size),
  rounds: wholeNumber('--rounds', values.rounds),
  warmUp: wholeNumber('--warm-up', values['warm-up'], 0),
  lengthFirst: values['length-first'],
  noDelay: !values.nagle,
  timeoutMs: wholeNumber('--timeout-ms', values['timeout-ms']),
  signal: abort.signal,
  onConnected: () => printEvent({ event: 'connected' }),
  onListening: (port) => printEvent({ event: 'listening', port }),
};
if (values.role === 'ask') {
  const report = await askRounds(options);
  printEvent({ event: 'asked', ...report });
  process.exitCode = report.ok ? 0 : 1;
} else {
  const report = await answerRounds(options);
  printEvent({ event: 'answered', ...report });
  process.exitCode = report.ok ? 0 : 1;
}
