// The last minutes of one channel for its plots: seeded with the minute the daemon keeps, then a sample per report, bounded. A page that
// heard nothing for a while takes what it missed from the next report's history. Pure; runs in the browser.
import type { ChannelReport } from '../../report.js';

/** Five minutes at one sample a second: a stall that comes back every few minutes is seen next to the one before. */
const KEPT = 300;
/** Between two samples of the daemon, ms. */
const SAMPLE_MS = 1000;

/** Columns as uPlot takes them: Unix seconds, then values; null where nothing is known. */
export interface Columns {
  atSeconds: number[];
  out: number[];
  received: number[];
  roundTripMs: (number | null)[];
}

export interface LaneChange {
  atSeconds: number;
  lane: string;
}

export class Timeline {
  readonly columns: Columns = { atSeconds: [], out: [], received: [], roundTripMs: [] };
  /** Changes of the lane within what is kept. */
  laneChanges: LaneChange[] = [];

  /** @param nowMs the daemon's clock when it made the report */
  add({ rates, lane, laneSinceMs }: Pick<ChannelReport, 'rates' | 'lane' | 'laneSinceMs'>, nowMs: number): void {
    if (rates === undefined) return;
    const { txBytesPerSecond, rxBytesPerSecond, rttMs } = rates.history;
    const { atSeconds, out, received, roundTripMs } = this.columns;
    // Reports and samples have clocks of their own: half a sample keeps one from being taken twice.
    const afterMs = (atSeconds.at(-1) ?? 0) * 1000 + SAMPLE_MS / 2;
    const count = txBytesPerSecond.length;
    for (let index = 0; index < count; index += 1) {
      const atMs = nowMs - (count - 1 - index) * SAMPLE_MS;
      if (atMs <= afterMs) continue;
      atSeconds.push(atMs / 1000);
      out.push(txBytesPerSecond[index] as number);
      received.push(rxBytesPerSecond[index] as number);
      roundTripMs.push(rttMs[index] || null);
    }
    const surplus = atSeconds.length - KEPT;
    if (surplus > 0) for (const column of [atSeconds, out, received, roundTripMs]) column.splice(0, surplus);
    this.#noteLane(lane, laneSinceMs);
  }

  #noteLane(lane: string | undefined, sinceMs: number | undefined): void {
    const first = this.columns.atSeconds[0] ?? 0;
    this.laneChanges = this.laneChanges.filter(({ atSeconds }) => atSeconds >= first);
    if (lane === undefined || sinceMs === undefined) return;
    const atSeconds = sinceMs / 1000;
    if (atSeconds >= first && this.laneChanges.at(-1)?.atSeconds !== atSeconds) this.laneChanges.push({ atSeconds, lane });
  }
}
