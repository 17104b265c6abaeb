// The lanes a benchmark can be told to measure: what the daemons are told, and what their counters must say afterwards. One row per lane; everything
// else (flags, help, settings, the perf room) reads this table.

import { LANE_KINDS, type LaneKind } from '../../native-free/lane.js';
import type { Telemetry } from '../telemetry/index.js';

export type BenchLane = LaneKind | 'auto';

export interface LanePlan {
  /** Lanes a party may use. That no other than the wanted one carries is for p2p-only and the counters to see. */
  lanes: readonly LaneKind[];
  /** Nothing may go through the relay. */
  p2pOnly: boolean;
  /** A fallback fails the run unless said otherwise. */
  strict: boolean;
}

export const BENCH_LANES: Readonly<Record<BenchLane, LanePlan>> = {
  direct: { lanes: ['direct'], p2pOnly: true, strict: true },
  webrtc: { lanes: ['webrtc', 'relay'], p2pOnly: true, strict: true },
  relay: { lanes: ['relay'], p2pOnly: false, strict: false },
  auto: { lanes: LANE_KINDS, p2pOnly: false, strict: false },
};

export const BENCH_LANE_NAMES: readonly BenchLane[] = [...LANE_KINDS, 'auto'];

/** What carried a channel: the one lane whose packets were counted, `mixed` or `unknown`. */
export type CarriedBy = LaneKind | 'mixed' | 'unknown';

/** Packets sent, of a channel or a party; those of the direct lane are peer-to-peer ones, too. */
export type LanePackets = Pick<Telemetry, 'tx_p2p_packets' | 'tx_direct_packets' | 'tx_ws_packets'>;

export function carriedBy(packets: LanePackets | undefined): CarriedBy {
  if (packets === undefined) return 'unknown';
  const counts: [LaneKind, number][] = [
    ['direct', packets.tx_direct_packets],
    ['webrtc', packets.tx_p2p_packets - packets.tx_direct_packets],
    ['relay', packets.tx_ws_packets],
  ];
  const used = counts.filter(([, count]) => count > 0).map(([lane]) => lane);
  return used.length > 1 ? 'mixed' : (used[0] ?? 'unknown');
}
