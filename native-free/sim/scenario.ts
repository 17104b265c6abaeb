// What one run is made of, drawn from its seed: sizes, speeds, applications and faults. Small on purpose: a run of a few KiB meets the same
// edges as one of a few GiB, thousands of times faster.

import { type ChannelLimits, DEFAULT_LIMITS } from '../channel/index.js';
import type { PeerLaneKind } from '../lane.js';
import type { Random } from './random.js';

export interface LaneScenario {
  delayMs: number;
  jitterMs: number;
  bytesPerMs: number;
  maxFrameBytes: number;
  highBytes: number;
  /** Probabilities per message. An ordered, reliable lane has none of these. */
  loss: number;
  duplication: number;
  reordering: number;
}

const FAULTS = [
  'direct-dies',
  'direct-silent',
  'webrtc-dies',
  'webrtc-silent',
  'both-silent',
  'relay-restart',
  'outage',
  'session-ends',
  'peer-restart',
  'stall-lanes',
] as const;
export type FaultKind = (typeof FAULTS)[number];

export interface Fault {
  kind: FaultKind;
  atMs: number;
  durationMs: number;
}

export interface Scenario {
  limits: ChannelLimits;
  shape: 'forward' | 'rendezvous';
  streams: number;
  streamBytes: number;
  /** Within which streams are opened, ms. */
  openWithinMs: number;
  direct: LaneScenario;
  webrtc: LaneScenario;
  works: Readonly<Record<PeerLaneKind, boolean>>;
  relay: LaneScenario;
  faults: Fault[];
  /** Last moment of any fault, ms. */
  quietFromMs: number;
  resetChance: number;
  stallChance: number;
  stallMs: number;
  /** The longest an application takes between two pieces, ms. */
  slowReaderMs: number;
  slowWriterMs: number;
}

/** All lanes dead for up to this long must not cost a stream, ms. */
const OUTAGE_MAX_MS = 8000;

/** @returns the run of this seed */
export function drawScenario(random: Random): Scenario {
  const chunkBytes = random.pick([64, 200, 700, 1500]);
  const creditFloorBytes = random.pick([256, 1024, 4096]);
  const relayOnly = random.chance(0.35);
  const p2pOnly = !relayOnly && random.chance(0.1);
  const limits: ChannelLimits = {
    ...DEFAULT_LIMITS,
    chunkBytes,
    ownChunkBytes: chunkBytes,
    windowBytes: random.pick([0, 2048, 8192]), // 0: as small as a window can be
    creditFloorBytes,
    creditBytes: creditFloorBytes * random.pick([1, 2, 8]),
    reorderBytes: random.pick([1024, 8192, 65_536]),
    reorderFrames: random.pick([4, 64, 1024]),
    directAllowed: !relayOnly && random.chance(0.5),
    webrtcAllowed: !relayOnly,
    relayAllowed: !p2pOnly,
  };
  const faults: Fault[] = [];
  const count = random.chance(0.4) ? random.between(0, 1) : random.between(1, 4);
  for (let i = 0; i < count; i += 1) {
    faults.push({ kind: random.pick(FAULTS), atMs: random.between(0, 6000), durationMs: random.between(100, OUTAGE_MAX_MS) });
  }
  const lossy = random.chance(0.6);
  const shape = random.chance(0.6) ? 'forward' : 'rendezvous';
  return {
    limits,
    shape,
    streams: random.between(1, random.chance(0.2) ? 12 : 3),
    streamBytes: random.chance(0.05) ? 0 : random.pick([300, 3000, 8000, 8000]),
    openWithinMs: random.pick([1, 500, 5000]),
    direct: drawLane(random, false),
    webrtc: drawLane(random, false),
    works: { direct: random.chance(0.85), webrtc: random.chance(0.85) },
    relay: drawLane(random, lossy),
    faults,
    quietFromMs: faults.reduce((end, { atMs, durationMs }) => Math.max(end, atMs + durationMs), 0) + 1,
    resetChance: random.pick([0, 0, 0.3]),
    stallChance: random.pick([0, 0, 0.2]),
    stallMs: random.pick([500, 12_000, 60_000]),
    slowReaderMs: random.pick([0, 1, 40]),
    slowWriterMs: random.pick([0, 30, 700]),
  };
}

/** A relay that loses more may lose every ping there is in ten seconds. */
const SURVIVABLE_LOSS = 0.1;
/** Head of a frame in a simulation, at most, bytes. */
const HEAD_BYTES = 64;

/**
 * @returns whether no stream may be lost to this run: at most one fault, and that neither a restart nor one the lanes left over cannot
 *   make up for
 */
export function mustSurvive({ faults, limits, direct, webrtc, relay }: Scenario): boolean {
  const needBytes = limits.chunkBytes + HEAD_BYTES;
  if (!limits.relayAllowed || relay.loss > SURVIVABLE_LOSS || faults.length > 1 || faults[0]?.kind === 'peer-restart') return false;
  const fits = (allowed: boolean, lane: LaneScenario): boolean => !allowed || lane.maxFrameBytes >= needBytes;
  return fits(true, relay) && fits(limits.webrtcAllowed, webrtc) && fits(limits.directAllowed, direct);
}

function drawLane(random: Random, lossy: boolean): LaneScenario {
  return {
    delayMs: random.pick([0, 1, 20, 150]),
    jitterMs: random.pick([0, 0, 5, 60]),
    bytesPerMs: random.pick([5, 50, 1000]),
    maxFrameBytes: random.pick([600, 1000, 262_144, 262_144]),
    highBytes: random.pick([300, 2000, 100_000]),
    loss: lossy ? random.pick([0, 0.02, 0.2]) : 0,
    duplication: lossy ? random.pick([0, 0.05, 0.3]) : 0,
    reordering: lossy ? random.pick([0, 0.1, 0.5]) : 0,
  };
}
