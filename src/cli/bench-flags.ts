// Flags of `hotlink bench stream`, `pingpong` and `channels`. Apart from what runs them, so that asking for help loads neither relay nor tunnel.
import type { Command } from 'commander';
import { Option } from 'commander';
import { burstDefaults } from '../bench/burst-options.js';
import type { BenchLane } from '../bench/lanes.js';
import { count, laneOption, mtu } from './burst-flags.js';

export interface BenchFlags {
  lane: BenchLane;
  strict?: boolean;
  timeout: number;
  mtu?: number | 'auto';
  partyLog?: string;
  json?: boolean;
}

export interface StreamFlags extends BenchFlags {
  count: number;
  size: number;
  bothWays?: boolean;
}

export interface PingpongFlags extends BenchFlags {
  size: number;
  rounds: number;
  nodelay: boolean;
}

export interface ChannelsFlags extends BenchFlags {
  channels: number;
  mib: number;
}

/** 300 frames of upstream's size, 480 MiB: seconds on a fast lane. */
const STREAM_FRAMES = 300;

export function addStreamFlags(command: Command): Command {
  return addCommonFlags(command)
    .addOption(count('--count <frames>', 'frames each way').default(STREAM_FRAMES))
    .addOption(count('--size <bytes>', 'bytes per frame').default(burstDefaults.frameBytes))
    .option('--both-ways', 'both ends send at once');
}

export function addPingpongFlags(command: Command): Command {
  return addCommonFlags(command)
    .addOption(count('--size <bytes>', 'bytes of a message').default(64))
    .addOption(count('--rounds <n>', 'rounds that count').default(5000))
    .option('--no-nodelay', 'the applications write an 8-byte length and the body separately, without TCP_NODELAY');
}

export function addChannelsFlags(command: Command): Command {
  return addCommonFlags(command)
    .addOption(count('--channels <n>', 'how many').default(64))
    .addOption(count('--mib <n>', 'payload over all of them, MiB').default(512));
}

function addCommonFlags(command: Command): Command {
  return command
    .addOption(laneOption())
    .option('--strict', 'a fallback fails the run with exit 75 (default with a single peer-to-peer lane)')
    .option('--no-strict', 'a fallback is allowed')
    .addOption(count('--timeout <seconds>', 'for the whole run').default(180))
    .addOption(new Option('--mtu <bytes|auto>', "the parties' packet size").argParser(mtu))
    .option('--party-log <dir>', "keep each party's log in this directory")
    .option('--json', 'the result as one JSON value');
}
