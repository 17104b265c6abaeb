// Options with every default filled in, in the form the threads take them. The defaults of tunables live in src/config/table.ts; this
// file only joins them. Main thread.

import { cpus } from 'node:os';
import { join } from 'node:path';
import { type ChannelLimits, DEFAULT_LIMITS, HotlinkError, LANE_KINDS } from '../native-free/index.js';
import { addonMissing } from '../workers/addon-file.js';
import { parseIceServers } from '../workers/lanes/ice-servers.js';
import type { DirectIdentity, IceSettings, RtcSettings } from '../workers/messages.js';
import { type Clock, systemClock } from './clock.js';
import type { IpcMode } from './control/ipc-address.js';
import { readDirect } from './direct-address.js';
import { parseAddress } from './forward.js';
import type { AddressFilter, HotlinkOptions, IceServersFor, IdentityMode, SealMode, WorkerEntries } from './options.js';
import type { Signaling } from './signaling.js';

export interface DirectOptions {
  /** Host that peers are told; undefined: the addresses of our interfaces. */
  host: string | undefined;
  /** 0: the system's choice. */
  port: number;
  /** What this run shows on direct connections; undefined until `start()`, and where the lane is off. */
  identity: DirectIdentity | undefined;
}

export interface ResolvedOptions {
  email: string;
  /** The relay's address; what to call the signaling where that is the program's own. */
  server: string;
  signaling: Signaling | undefined;
  clock: Clock;
  workers: WorkerEntries;
  addressFilter: AddressFilter | undefined;
  iceServersFor: IceServersFor | undefined;
  dataDir: string | undefined;
  token: string | undefined;
  strict: boolean;
  /** Other hotlinks are recognised as such. */
  ownPeers: boolean;
  seal: SealMode;
  identity: IdentityMode;
  identityDir: string | undefined;
  bindAddress: string;
  threads: number;
  mtu: number | 'auto';
  limits: ChannelLimits;
  /** Why there is no WebRTC although nobody switched it off, a sentence. */
  webrtcMissing: string | undefined;
  rtc: RtcSettings;
  direct: DirectOptions;
  quickAck: boolean;
  iceFilter: boolean;
  /** Whether TCP proxy markers count. */
  tcpProxy: boolean;
  ipc: {
    mode: IpcMode;
    /** What `tcp` mode binds. */
    tcp: { host: string; port: number };
    /** Whether waiting frames are written to files while hotlink is down, and after how long, ms. */
    fileFallback: boolean;
    fallbackMs: number;
    stableMs: number;
  };
  /** One object, read at each connection. */
  ice: IceSettings;
  /** What the options themselves name and cannot be used, a sentence each. */
  iceWarnings: string[];
  /** Takes what the relay advertises, unless the options said which servers to use. @returns a sentence for each entry that cannot be used */
  adoptIce(iceServers: string | undefined, turnUser: string | undefined, turnPass: string | undefined): string[];
}

/** Nothing carries for so long: hotlink is down, ms. Twice the grace that WebRTC gets before the relay is asked, so that a start is not taken for it. */
const FALLBACK_MS = 3000;

export function resolveOptions(options: HotlinkOptions): ResolvedOptions {
  const lanes = options.lanes ?? LANE_KINDS;
  const webrtcMissing = lanes.includes('webrtc') ? addonMissing() : undefined;
  const direct = readDirect(options.direct ?? 'auto');
  if (direct === undefined) throw new HotlinkError('ERR_HLNK_CONFIG', `direct: "${options.direct}" is not auto, off or HOST:PORT`);
  const { signaling } = options;
  if ((options.server === undefined) === (signaling === undefined))
    throw new HotlinkError('ERR_HLNK_CONFIG', 'give either server, the relay’s address, or signaling, a carrier of your own');
  // The program's own signaling carries control messages only.
  const p2pOnly = (options.p2pOnly ?? false) || signaling !== undefined;
  const peerLossMs = options.peerLossMs ?? DEFAULT_LIMITS.peerLossMs;
  const windowBytes = options.windowBytes ?? DEFAULT_LIMITS.windowBytes;
  const ice: IceSettings = {
    iceServers: typeof options.iceServers === 'function' ? [] : [...(options.iceServers ?? [])],
    ...(options.turnUser === undefined ? {} : { turnUser: options.turnUser }),
    ...(options.turnPass === undefined ? {} : { turnPass: options.turnPass }),
  };
  const rtc: RtcSettings = {
    sctpWindowBytes: options.sctpWindowBytes ?? 'auto',
    sctpCongestion: options.sctpCongestion ?? 'standard',
    stripes: options.stripes ?? 'auto',
    batchScheduling: options.batchScheduling !== 'off',
    datagrams: options.datagrams !== 'off',
    bufferedHighBytes: options.bufferedHighBytes ?? 1_048_576,
    backpressureWaitMs: options.backpressureWaitMs ?? 1500,
  };
  return {
    email: options.email,
    server: options.server ?? signaling?.name ?? 'own signaling',
    signaling,
    clock: options.clock ?? systemClock,
    workers: options.workers ?? {},
    addressFilter: options.addressFilter,
    iceServersFor: typeof options.iceServers === 'function' ? options.iceServers : undefined,
    dataDir: options.dataDir,
    token: options.token,
    strict: options.strict ?? false,
    ownPeers: options.ownPeers ?? true,
    seal: options.seal ?? 'auto',
    identity: options.identity ?? 'off',
    identityDir: options.identityDir ?? (options.dataDir === undefined ? undefined : join(options.dataDir, '.syftbox')),
    bindAddress: options.bindAddress ?? '127.0.0.1',
    threads: options.threads ?? Math.min(4, Math.max(1, cpus().length)),
    mtu: options.mtu ?? 'auto',
    limits: {
      ...DEFAULT_LIMITS,
      chunkBytes: options.chunkBytes ?? DEFAULT_LIMITS.chunkBytes,
      ownChunkBytes: options.ownChunkBytes ?? options.chunkBytes ?? DEFAULT_LIMITS.ownChunkBytes,
      windowBytes,
      // A window that somebody chose is not grown behind his back.
      farWindowBytes: options.windowBytes ?? DEFAULT_LIMITS.farWindowBytes,
      creditBytes: Math.max(windowBytes, DEFAULT_LIMITS.creditBytes),
      fallbackGraceMs: options.fallbackGraceMs ?? DEFAULT_LIMITS.fallbackGraceMs,
      directAllowed: lanes.includes('direct') && direct !== 'off',
      peerLossMs,
      // Three chances to be heard, or a single lost message would look like a lost peer.
      keepAliveMs: Math.min(options.keepAliveMs ?? DEFAULT_LIMITS.keepAliveMs, Math.floor(peerLossMs / 3)),
      resumeMs: options.resumeMs ?? DEFAULT_LIMITS.resumeMs,
      webrtcAllowed: lanes.includes('webrtc') && webrtcMissing === undefined,
      relayAllowed: lanes.includes('relay') && !p2pOnly,
      strict: options.strict ?? false,
    },
    webrtcMissing,
    tcpProxy: options.tcpProxy ?? true,
    ipc: {
      mode: options.ipc ?? 'unix',
      tcp: parseAddress(options.ipcAddress ?? '127.0.0.1:0'),
      fileFallback: !(options.socketOnly ?? false),
      fallbackMs: FALLBACK_MS,
      stableMs: options.stableMs ?? 10,
    },
    rtc,
    direct: direct === 'off' ? { host: undefined, port: 0, identity: undefined } : { ...direct, identity: undefined },
    quickAck: options.quickAck !== 'off',
    iceFilter: options.iceFilter ?? true,
    ice,
    iceWarnings: parseIceServers(ice.iceServers, ice.turnUser, ice.turnPass).warnings,
    adoptIce(iceServers, turnUser, turnPass) {
      if (options.iceServers !== undefined || iceServers === undefined) return [];
      const urls = iceServers.split(',').filter((url) => url.trim() !== '');
      if (turnUser !== undefined && options.turnUser === undefined) ice.turnUser = turnUser;
      if (turnPass !== undefined && options.turnPass === undefined) ice.turnPass = turnPass;
      // Kept only if usable: an unconfigured upstream server advertises a TURN server without credentials (wire.md 5.5).
      const { servers, warnings } = parseIceServers(urls, ice.turnUser, ice.turnPass);
      ice.iceServers = servers.length > 0 ? urls : [];
      return warnings;
    },
  };
}
