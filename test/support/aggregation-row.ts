// One secure aggregation whose lane changes in the middle, as a process of its own, since rows that cut a lane want a network namespace of
// their own and nft. Run with a row's name; prints one JSON line.
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { AggregationScene } from './aggregation-scene.js';
import { WITH_CLOSER } from './fault-scene.js';

/** A multiplication exchanges 16 MB each way: long enough for a lane to go in the middle of it. */
const ELEMENTS = 1_000_000;

export interface AggregationRow {
  row: string;
  /** All three parties have the sum, element by element. */
  right: boolean;
  /** Lanes that the channel of the owners moved to between the beginning of the first multiplication and the end, in order. */
  lanes: string[];
  /** Frames that the first owner's daemon sent to the second's, by lane, in that time. */
  sent: { direct: number; webrtc: number; relay: number };
  seconds: number;
}

interface Row {
  settings: Record<string, string>;
  before?(): void;
  /** Done when the first owner begins its first multiplication. */
  fault(scene: AggregationScene): Promise<void>;
}

const ROWS: Record<string, Row> = {
  'peer connections closed': {
    settings: { HOTLINK_LANES: 'webrtc,relay', ...WITH_CLOSER },
    async fault(scene) {
      if ((await scene.closePeerConnections(1)) === 0) throw new Error('there was nothing to close');
    },
  },
  'webrtc cut': {
    settings: { HOTLINK_LANES: 'webrtc,relay' },
    fault: async () => drop('meta l4proto udp drop'),
  },
  'direct cut': {
    settings: { HOTLINK_LANES: 'direct,webrtc,relay' },
    // Every TCP connection but those of the relay and of the applications.
    async fault({ relayPort, ports }) {
      const known = `{ ${[relayPort, ...ports].join(', ')} }`;
      drop(`tcp sport != ${known} tcp dport != ${known} drop`);
    },
  },
  'relay, then webrtc': {
    settings: { HOTLINK_LANES: 'webrtc,relay' },
    before: () => drop('meta l4proto udp drop'),
    // One owner takes a rest until WebRTC carries: what the other has written meanwhile fills every buffer on the way, and the rest follows.
    async fault(scene) {
      const [, , second] = scene.parties;
      second?.kill('SIGSTOP');
      execFileSync('nft', ['delete', 'table', 'inet', 'fault']);
      const deadline = performance.now() + 60_000;
      while ((await scene.channel()).lane !== 'webrtc') if (performance.now() > deadline) throw new Error('WebRTC did not come up');
      second?.kill('SIGCONT');
    },
  },
};

function drop(rule: string): void {
  execFileSync('nft', ['add', 'table', 'inet', 'fault']);
  execFileSync('nft', ['add', 'chain', 'inet', 'fault', 'in', '{ type filter hook input priority 0 ; }']);
  execFileSync('nft', ['add', 'rule', 'inet', 'fault', 'in', ...rule.split(' ')]);
}

async function runRow(name: string): Promise<AggregationRow> {
  const row = ROWS[name];
  if (row === undefined) throw new Error(`no row "${name}"`);
  const scene = new AggregationScene();
  try {
    row.before?.();
    await scene.open(row.settings);
    const [one, two] = [0, 1].map(() => randomFillSync(new BigUint64Array(ELEMENTS))) as [BigUint64Array, BigUint64Array];
    const sum = one.map((number, index) => number + (two[index] as bigint));
    const text = (numbers: BigUint64Array): string => `[${numbers.join(', ')}]`;
    // A first one, so that the lanes there are carry already; in the second one the fault comes.
    await scene.aggregate(['[1]', '[2]']);
    const before = (await scene.channel()).counters;
    let fault: Promise<void> | undefined;
    const runs = await scene.aggregate([text(one), text(two)], undefined, {
      'multiply 1': () => {
        fault = row.fault(scene);
      },
    });
    await fault;
    const { counters, key } = await scene.channel();
    const began = runs[1]?.beganMs['multiply 1'] as number;
    const ended = runs[1]?.beganMs['end'] as number;
    const { events } = await scene.status(1);
    const moves = events.filter(({ what, fields, atMs }) => what === 'lane' && fields['key'] === key && atMs >= began && atMs <= ended);
    const p2p = counters.txP2pPackets - before.txP2pPackets;
    const direct = counters.txDirectPackets - before.txDirectPackets;
    return {
      row: name,
      right: runs.every(({ result }) => result === text(sum)),
      lanes: moves.map(({ fields }) => String(fields['lane'])),
      sent: { direct, webrtc: p2p - direct, relay: counters.txWsPackets - before.txWsPackets },
      seconds: (ended - began) / 1000,
    };
  } finally {
    await scene.close();
  }
}

process.stdout.write(`${JSON.stringify(await runRow(process.argv[2] ?? ''))}\n`);
process.exit(0);
