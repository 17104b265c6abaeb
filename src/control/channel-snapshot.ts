// The snapshot of one channel that status shows, put together from what its parts know at this moment. Plain data, nothing is kept.
// Main thread.

import type { Marker, OutboundSession, readCounters } from '../../native-free/index.js';
import type { ChannelShape } from '../../workers/messages.js';
import type { ChannelStatus, LaneKind, SessionStatus } from '../status.js';
import type { ChannelSessions } from './channel-sessions.js';
import { laneStatuses } from './lane-snapshot.js';
import { clientName } from './session-record.js';

/** Which session and lane carry the channel now. */
export interface Carrier {
  sid: string;
  lane: LaneKind;
  reason: string;
  /** Unix ms. */
  sinceMs: number;
}

export interface ChannelParts {
  key: string;
  marker: Marker;
  shape: ChannelShape;
  bind: string;
  /** Unix ms. */
  addedMs: number;
  /** What the configuration lets carry payload. */
  allowed: Record<LaneKind, boolean>;
  /** Why there is no WebRTC although nobody switched it off. */
  webrtcMissing: string | undefined;
  /** Port it listens on; 0 before that. */
  port: number;
  problem: string | undefined;
  counters: ReturnType<typeof readCounters>;
  sessions: ChannelSessions;
  outbound: OutboundSession;
  carrier: Carrier | undefined;
}

export function channelSnapshot(parts: ChannelParts): ChannelStatus {
  const { key, marker, port, problem, counters, shape, bind, addedMs, sessions, carrier } = parts;
  const rings = sessions.ringBytes();
  return {
    key,
    peer: marker.peer,
    from: marker.from,
    to: marker.to,
    port,
    listening: port !== 0,
    connections: counters.liveConnections,
    ...(problem === undefined ? {} : { problem }),
    name: channelName(key),
    shape: shape.kind,
    address: addressOf(shape, bind, port),
    addedMs,
    ...(carrier === undefined ? {} : { lane: carrier.lane, laneReason: carrier.reason, laneSinceMs: carrier.sinceMs }),
    lanes: laneStatuses(parts),
    ...(counters.rttMs === 0 ? {} : { rttMs: counters.rttMs }),
    inFlightFrames: counters.inFlightFrames,
    streams: counters.openStreams,
    laneBufferedBytes: counters.laneBufferedBytes,
    backlogBytes: counters.backlogBytes,
    ...(rings === undefined ? {} : { ringBytes: rings }),
    counters,
    sessions: sessionSnapshots(parts),
  };
}

/** What people call a channel: the name given to `forward`, else its directory, e.g. `0_to_1`. */
function channelName(key: string): string {
  const parts = key.split('/');
  const forward = parts.indexOf('forward');
  return (parts[forward - 1] === 'hotlink' && parts[forward + 1]) || (parts.at(-2) ?? key);
}

/** As upstream's telemetry names the channel of a session's path: the directory behind `_mpc`, else the last one (wire.md 8). */
function directoryName(path: string): string {
  const parts = path.split('/');
  const mpc = parts.indexOf('_mpc');
  return parts[mpc < 0 ? parts.length - 2 : mpc + 1] ?? '';
}

/** What it listens on or dials; an IPC channel does neither, its directory does, and the embedding program is there already. */
function addressOf(shape: ChannelShape, bind: string, port: number): string {
  if (shape.kind === 'ipc' || shape.kind === 'program') return '';
  return shape.kind === 'dial' ? hostPort(shape.host, shape.port) : hostPort(bind, port || shape.port);
}

function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The sessions that are up, and the one that we are opening. */
function sessionSnapshots({ marker, counters, sessions, outbound, carrier }: ChannelParts): SessionStatus[] {
  const snapshots: SessionStatus[] = [...sessions.all()].map((record) => ({
    sid: record.sid,
    direction: record.direction,
    peer: marker.peer,
    channel: directoryName(record.path),
    state: 'accepted',
    webrtc: record.webrtc,
    direct: record.direct.state,
    ...(record.direct.state === 'connected' || record.direct.reason === '' ? {} : { directReason: record.direct.reason }),
    ...(record.webrtcReason === '' ? {} : { webrtcReason: record.webrtcReason }),
    ...(record.webrtc === 'connected' ? { connections: record.connections } : {}),
    ...(record.candidates === undefined ? {} : { candidates: record.candidates }),
    client: clientName(record.peer),
    ...(carrier?.sid === record.sid ? { lane: carrier.lane, laneReason: carrier.reason } : {}),
    seq: record.direction === 'out' ? counters.txPackets : counters.rxPackets,
    mtu: record.mtu,
    acceptedMs: record.acceptedMs,
    ...(record.seal === 'sealed' || record.seal === 'plain' ? { sealed: record.seal === 'sealed' } : {}),
    ...(record.identity === undefined ? {} : { identity: record.identity }),
  }));
  const { sid, state } = outbound;
  if (sid !== undefined && sessions.get(sid) === undefined && state === 'opening') {
    snapshots.push({
      sid,
      direction: 'out',
      peer: marker.peer,
      channel: directoryName(outbound.path),
      state: 'opening',
      webrtc: 'none',
      direct: 'none',
      client: 'unknown',
      seq: 0,
    });
  }
  return snapshots;
}
