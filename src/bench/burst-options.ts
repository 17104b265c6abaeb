// What a burst can be told, and the environment its parties get for it.
import { DEFAULT_FRAME_BYTES, DEFAULT_FRAME_COUNT, DEFAULT_TIMEOUT_MS } from './app-arguments.js';
import { BENCH_LANES, type BenchLane } from './lanes.js';

export interface BurstOptions {
  /** A lane's name: nothing else is allowed. `auto`: the ladder as a daemon has it by default. */
  lane: BenchLane;
  /** A fallback ends the party with exit code 75. Default: as the lane's row says (lanes.ts). */
  strict: boolean;
  /** All parties but the first refuse WebRTC, which the first still wants: its links fall back, or fail under strict. */
  refuseWebrtc: boolean;
  /** Frames per link and bytes per frame. */
  frameCount: number;
  frameBytes: number;
  links: 1 | 3;
  /** One link after the other, all at once, or first this and then that. */
  phases: readonly ('sequential' | 'concurrent')[];
  /** Both ends of each link send at once, on one connection. */
  bothWays?: boolean;
  /** SHA-256 at both ends, besides the comparison of every byte. */
  sha256: boolean;
  /** Per link. */
  timeoutMs: number;
  mtu?: number | 'auto';
  chunkBytes?: number;
  /** Further environment of every party. */
  settings?: Readonly<Record<string, string>>;
  /** Directory for each party's log. */
  partyLogDir?: string;
}

export const burstDefaults: BurstOptions = {
  lane: 'webrtc',
  strict: true,
  refuseWebrtc: false,
  frameCount: DEFAULT_FRAME_COUNT,
  frameBytes: DEFAULT_FRAME_BYTES,
  links: 3,
  phases: ['sequential'],
  // Costs about 6 % at 200 MiB/s on two cores (medians of 7 runs each, in turns: 206 without, 193 with); `--no-sha256` measures without.
  sha256: true,
  timeoutMs: DEFAULT_TIMEOUT_MS,
};

/** What a party's settings are made from. */
export interface PartyScene extends Pick<BurstOptions, 'lane' | 'strict' | 'refuseWebrtc' | 'mtu' | 'chunkBytes'> {
  /** Settings on top, by their variables. */
  settings?: Readonly<Record<string, string>>;
}

/**
 * The environment BioVault's scenario pins, varied by lane and strictness. Host candidates only: a bench needs no internet.
 * @param party its id; under `refuseWebrtc` every party but the first refuses. Were all to refuse, nobody would expect WebRTC and nothing would fall back
 */
export function partySettings(options: PartyScene, party: number): Record<string, string> {
  const plan = BENCH_LANES[options.lane];
  const p2pOnly = plan.p2pOnly && !options.refuseWebrtc ? '1' : '0';
  return {
    SYFTBOX_HOTLINK: '1',
    SYFTBOX_HOTLINK_SOCKET_ONLY: '1',
    SYFTBOX_HOTLINK_TCP_PROXY: '1',
    SYFTBOX_HOTLINK_QUIC: '1',
    SYFTBOX_HOTLINK_QUIC_ONLY: p2pOnly,
    SYFTBOX_HOTLINK_P2P_ONLY: p2pOnly,
    SYFTBOX_HOTLINK_BENCH_STRICT: options.strict ? '1' : '0',
    // The scenario pins upstream's default, 61440; left alone here it is the same toward upstream peers, and own peers keep theirs.
    ...(options.chunkBytes === undefined ? {} : { SYFTBOX_HOTLINK_TCP_PROXY_CHUNK_SIZE: String(options.chunkBytes) }),
    SYFTBOX_HOTLINK_WEBRTC_BUFFERED_HIGH: '1048576',
    SYFTBOX_HOTLINK_WEBRTC_BACKPRESSURE_WAIT_MS: '1500',
    SYFTBOX_HOTLINK_ICE_SERVERS: '',
    HOTLINK_LANES: (options.refuseWebrtc && party > 0 ? BENCH_LANES.relay : plan).lanes.join(','),
    ...(options.mtu === undefined ? {} : { HOTLINK_MTU: String(options.mtu) }),
    ...options.settings,
  };
}
