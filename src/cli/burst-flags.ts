// Flags of `hotlink bench burst` and `hotlink demo`. Apart from what runs them, so that asking for help loads neither relay nor tunnel.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { burstDefaults } from '../bench/burst-options.js';
import { BENCH_LANE_NAMES, type BenchLane } from '../bench/lanes.js';

export interface BurstFlags {
  lane: BenchLane;
  strict?: boolean;
  refuseWebrtc?: boolean;
  count: number;
  size: number;
  links: 1 | 3;
  concurrent?: boolean;
  bothWays?: boolean;
  sha256: boolean;
  timeout: number;
  mtu?: number | 'auto';
  chunk?: number;
  partyLog?: string;
  json?: boolean;
}

/** 60 frames of upstream's size, 96 MiB per link: long enough to reach full speed, short enough for a look. */
const DEMO_FRAME_COUNT = 60;

export function addBurstFlags(command: Command): Command {
  return addRunFlags(command)
    .addOption(laneOption())
    .addOption(count('--count <frames>', 'frames per link').env('HOTLINK_BURST_COUNT').default(burstDefaults.frameCount))
    .addOption(count('--size <bytes>', 'bytes per frame').env('HOTLINK_BURST_PAYLOAD_SIZE').default(burstDefaults.frameBytes))
    .addOption(
      count('--timeout <seconds>', 'per link')
        .env('HOTLINK_BURST_TIMEOUT')
        .default(burstDefaults.timeoutMs / 1000),
    )
    .addOption(new Option('--links <n>', 'one link or all three').argParser(oneOrThree).default(3))
    .option('--concurrent', 'all links at once instead of one after the other')
    .option('--both-ways', 'both ends of each link send at once; figures are of both directions together')
    .option('--no-sha256', 'do not hash both ends as well (every byte is compared in any case)')
    .option('--strict', 'a fallback fails the run with exit 75 (default with a single peer-to-peer lane)')
    .option('--no-strict', 'a fallback is allowed')
    .option('--refuse-webrtc', 'the parties refuse WebRTC: the run falls back, or fails under --strict');
}

export function addDemoFlags(command: Command): Command {
  return addRunFlags(command).addOption(count('--count <frames>', 'frames of 1.6 MiB per link').default(DEMO_FRAME_COUNT));
}

function addRunFlags(command: Command): Command {
  return command
    .addOption(new Option('--mtu <bytes|auto>', "the parties' packet size").argParser(mtu))
    .addOption(count('--chunk <bytes>', "the parties' largest frame payload"))
    .option('--party-log <dir>', "keep each party's log in this directory")
    .option('--json', 'the result as one JSON value');
}

export function laneOption(): Option {
  return new Option('--lane <lane>', 'what may carry the bytes').choices([...BENCH_LANE_NAMES]).default('webrtc');
}

export function count(flags: string, description: string): Option {
  return new Option(flags, description).argParser(wholeNumber);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('A whole number from 1 is expected.');
  return value;
}

function oneOrThree(text: string): 1 | 3 {
  if (text !== '1' && text !== '3') throw new InvalidArgumentError('1 or 3 is expected.');
  return text === '1' ? 1 : 3;
}

export function mtu(text: string): number | 'auto' {
  return text === 'auto' ? text : wholeNumber(text);
}
