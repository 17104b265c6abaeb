// What a burst reports: the contract's JSON (fields may be added, none changed) and the figures in it. Payload only; 1 MiB = 2^20.
import type { Telemetry } from '../telemetry/index.js';
import type { BurstOptions } from './burst-options.js';
import type { BenchLane, CarriedBy } from './lanes.js';
import { type Machine, machine } from './machine.js';

export interface LinkResult {
  from: string;
  to: string;
  /** What carried it, from both parties' counters. */
  lane: CarriedBy;
  bytes: number;
  /** From the sender's first write to the receiver's last verified byte. */
  seconds: number;
  mibPerSecond: number;
  /** Every byte compared equal, and the digests too where they were taken. */
  digestOk: boolean;
  sha256?: string;
  error?: string;
}

export interface PartyTelemetry extends Pick<Telemetry, TelemetryKey> {
  email: string;
}

type TelemetryKey =
  | 'tx_p2p_packets'
  | 'tx_direct_packets'
  | 'tx_ws_packets'
  | 'ws_fallbacks'
  | 'strict_violations'
  | 'webrtc_connected'
  | 'tx_bytes'
  | 'rx_bytes';

export interface BurstResult {
  bench: 'burst';
  lane: BenchLane;
  strict: boolean;
  ok: boolean;
  links: LinkResult[];
  phases: BurstOptions['phases'];
  /** The same links all at once, when that phase was run after the first. */
  concurrent?: LinkResult[];
  /** Over `links`. */
  minMibPerSecond: number;
  telemetry: PartyTelemetry[];
  /** One sentence per thing that is not as it should be. */
  failures: string[];
  /** The process's exit code for this outcome. */
  exitCode: number;
  frameCount: number;
  frameBytes: number;
  mtu: number | 'auto';
  chunkBytes: number;
  /** Zero-byte connections made to the parties' ports during the bursts. */
  probes: number;
  machine: Machine;
}

/** A result with nothing in it yet. */
export function emptyResult(options: BurstOptions): BurstResult {
  return {
    bench: 'burst',
    lane: options.lane,
    strict: options.strict,
    ok: false,
    phases: options.phases,
    links: [],
    minMibPerSecond: 0,
    telemetry: [],
    failures: [],
    exitCode: 1,
    frameCount: options.frameCount,
    frameBytes: options.frameBytes,
    mtu: options.mtu ?? 'auto',
    chunkBytes: options.chunkBytes ?? 245_760,
    probes: 0,
    machine: machine(),
  };
}

export function partyTelemetry(email: string, telemetry: Telemetry): PartyTelemetry {
  const { tx_p2p_packets, tx_direct_packets, tx_ws_packets, ws_fallbacks, strict_violations, webrtc_connected, tx_bytes, rx_bytes } =
    telemetry;
  return { email, tx_p2p_packets, tx_direct_packets, tx_ws_packets, ws_fallbacks, strict_violations, webrtc_connected, tx_bytes, rx_bytes };
}

/** MiB per second of payload, to a tenth. */
export function mibPerSecond(bytes: number, seconds: number): number {
  return seconds > 0 ? Math.round((bytes / 2 ** 20 / seconds) * 10) / 10 : 0;
}
