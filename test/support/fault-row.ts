// One row of the fault matrix, as a process of its own: a relay and two daemons as real processes, two applications that send both ways
// at once until told to stop, one fault in the middle. Prints one JSON line. Run with a row's name; rows that cut UDP want a network
// namespace of their own and nft (see faults.test.ts).
import { Flow, pause, UNDER_WAY_BYTES } from './fault-flow.js';
import { ROWS } from './fault-rows.js';
import { Scene } from './fault-scene.js';
import { ALICE, BOB, dial, until } from './sandbox.js';

export interface RowResult {
  row: string;
  /** 'exact': both digests equal; 'reset': both applications saw a reset. */
  outcome: 'exact' | 'reset' | 'wrong';
  detail: string;
  /** Bytes delivered in each direction. */
  bytes: [number, number];
  /** Longest time without a delivered byte, ms, per direction. */
  pauseMs: [number, number];
  lanes: { direct: number; p2p: number; relay: number };
  /** Peer connections closed in each round (rows that close them). */
  closed: number[];
  /** Delivered in the other direction after the end of the first was seen, bytes (half-close rows). */
  afterEndBytes: number;
  /** Most that either daemon's resident memory grew while the fault lasted, bytes (stall rows). */
  growthBytes: number;
  /** The most it was, bytes (stall rows). */
  residentBytes: number;
  /** From the fault to both applications seeing the reset, ms (reset rows). */
  resetMs: number;
}

/** Runs one row. */
export async function runRow(name: string): Promise<RowResult> {
  const row = ROWS[name];
  if (row === undefined) throw new Error(`no row "${name}"`);
  const scene = new Scene();
  try {
    await row.before?.(scene);
    await scene.open(row.settings ?? {}, row.spoil);
    const [a, b] = [await dial(scene.ports[ALICE] as number), await dial(scene.ports[BOB] as number)];
    const flows: [Flow, Flow] = [new Flow(a, b), new Flow(b, a)];
    await until('both directions flow', () => flows.every((flow) => flow.receivedBytes > UNDER_WAY_BYTES), 30_000);
    const faultAt = performance.now();
    await row.fault(scene, flows, [a, b]);
    for (const flow of flows) flow.stopped = row.expect === 'exact';
    const finished = Promise.all(flows.map((flow) => flow.done)).then(() => true);
    const inTime = await Promise.race([finished, pause(30_000).then(() => false)]);
    if (row.expect === 'reset') {
      const gone = (): boolean => flows.every((flow) => flow.fromGone !== undefined && flow.toGone !== undefined);
      await until('both applications saw the reset', gone, 30_000).catch(() => undefined);
    }
    const resets = flows.flatMap((flow) => [flow.fromGone, flow.toGone]);
    const exact = inTime && flows.every((flow) => flow.exact);
    const reset = row.expect === 'reset' && resets.every((at) => at !== undefined);
    const telemetry = scene.telemetry(ALICE);
    return {
      row: name,
      outcome: row.expect === 'exact' ? (exact ? 'exact' : 'wrong') : reset ? 'reset' : 'wrong',
      detail: inTime
        ? ''
        : `not done 30 s after the fault: ${flows.map((flow) => `${flow.receivedBytes} of ${flow.sentBytes}`).join(', ')}`,
      bytes: [flows[0].receivedBytes, flows[1].receivedBytes],
      pauseMs: [Math.round(flows[0].pauseMs), Math.round(flows[1].pauseMs)],
      lanes: { direct: telemetry['tx_direct_packets'] ?? 0, p2p: telemetry['tx_p2p_packets'] ?? 0, relay: telemetry['tx_ws_packets'] ?? 0 },
      closed: scene.closed,
      afterEndBytes: scene.afterEndBytes,
      growthBytes: scene.growthBytes,
      residentBytes: scene.residentBytes,
      resetMs: reset ? Math.round(Math.max(...(resets as number[])) - (scene.faultAtMs ?? faultAt)) : 0,
    };
  } finally {
    await scene.close();
  }
}

if (process.argv[1] !== undefined && import.meta.url.endsWith(process.argv[1].split('/').at(-1) ?? '-')) {
  const name = process.argv[2] ?? '';
  process.stdout.write(`${JSON.stringify(await runRow(name))}\n`);
  process.exit(0);
}
