// `npm run perf -- relay-load`: our relay under many users. First a thousand connected users and five hundred busy sessions for a minute, every
// message looked at and both ends hashed; then what it carries, in turns with a hub of bare `ws` under the same load. All clients are in this
// process: on two cores the server has one. Processor time per message says what a server costs, whatever else the machine has to do.

import { roundsInTime } from '../in-time.js';
import { LoadClients, type LoadFigures, type LoadShape } from '../relay-load/clients.js';
import { LoadServer, type ServerKind } from '../relay-load/server.js';
import { result } from '../results.js';
import { Recorder } from '../series.js';
import { type Bench, scaled } from './bench.js';

const SESSIONS = 500;
const LOAD_SECONDS = 60;
const TURN_SECONDS = 10;
/** Compiles the code that is to be measured. */
const WARM_UP_SECONDS = 3;
/**
 * What the relay may take under this load, resident: about 60 KiB for each connection, what is under way, and the heap of a busy Node.js.
 * See docs/relay-cluster.md.
 */
export const MEMORY_BOUND_BYTES = 320 * 2 ** 20;
const NAMES: Record<ServerKind, string> = { relay: 'hotlink relay', hub: 'bare ws hub' };
/** A small message is all overhead; the large one is a full frame of the relay lane. */
const SIZES: readonly (readonly [words: string, shape: Omit<LoadShape, 'sessions' | 'digests'>])[] = [
  ['1 KiB messages', { payloadBytes: 1024, window: 4 }],
  ['60 KiB messages', { payloadBytes: 61_440, window: 2 }],
];
const LOAD = '1,000 users, 500 busy sessions';

export const relayLoad: Bench = async ({ repeat, budgetMs, scale, signal, talk }) => {
  const recorder = new Recorder();
  const sessions = scaled(SESSIONS, Math.min(1, scale * 10), 10);
  const load = { sessions, payloadBytes: 4096, window: 4, digests: true };
  const figures = await underLoad('relay', load, LOAD_SECONDS * scale, signal);
  note(recorder, LOAD, 'relay', load, figures);
  talk(
    `${sessions * 2} users for ${figures.seconds.toFixed(0)} s: ${figures.messages} messages, all in order and whole; ${mib(figures.serverRssBytes)} MiB`,
  );
  if (figures.serverRssBytes > MEMORY_BOUND_BYTES)
    throw new Error(`the relay took ${mib(figures.serverRssBytes)} MiB, its bound is ${mib(MEMORY_BOUND_BYTES)} MiB`);
  for (const round of roundsInTime({ repeat, budgetMs: budgetMs - (LOAD_SECONDS + WARM_UP_SECONDS) * scale * 1000 })) {
    for (const [words, size] of SIZES) {
      // Every other round the other way round: who follows whom may matter.
      const order: ServerKind[] = round % 2 === 1 ? ['relay', 'hub'] : ['hub', 'relay'];
      for (const kind of order) {
        const shape = { ...size, sessions, digests: false };
        note(recorder, words, kind, shape, await underLoad(kind, shape, TURN_SECONDS * scale, signal));
      }
    }
    talk(`round ${round} of ${repeat}`);
  }
  const ratios = SIZES.flatMap(([words]) => [
    recorder.ratio(words, 'messages/s', NAMES.relay, NAMES.hub),
    recorder.ratio(words, 'processor µs/message', NAMES.relay, NAMES.hub),
  ]);
  return result('relay-load', { sessions, repeat, scale }, { series: recorder.series, ratios: Object.assign({}, ...ratios) });
};

async function underLoad(kind: ServerKind, shape: LoadShape, seconds: number, signal: AbortSignal): Promise<LoadFigures> {
  const server = await LoadServer.start(kind);
  let clients: LoadClients | undefined;
  try {
    clients = await LoadClients.connect(server, shape, signal);
    await clients.run(Math.min(WARM_UP_SECONDS, seconds), signal);
    return await clients.run(seconds, signal);
  } finally {
    clients?.close();
    await server.stop();
  }
}

function note(recorder: Recorder, group: string, kind: ServerKind, shape: LoadShape, figures: LoadFigures): void {
  const { seconds, messages, serverCpuMs, serverRssBytes, waitsMs } = figures;
  const name = NAMES[kind];
  const waits = waitsMs.sort((a, b) => a - b);
  recorder.add(group, name, 'messages/s', '/s', messages / seconds);
  recorder.add(group, name, 'MiB/s', 'MiB/s', (messages * shape.payloadBytes) / 2 ** 20 / seconds);
  recorder.add(group, name, 'processor µs/message', 'µs', (serverCpuMs * 1000) / messages);
  recorder.add(group, name, 'p50', 'ms', waits[Math.floor(waits.length * 0.5)] ?? 0);
  recorder.add(group, name, 'p99', 'ms', waits[Math.floor(waits.length * 0.99)] ?? 0);
  recorder.add(group, name, 'memory', 'MiB', serverRssBytes / 2 ** 20);
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
