// The snapshot of one channel that status shows, put together from what its parts know at this moment. Plain data, nothing is kept.
// Main thread.

import type { Marker, OutboundSession, readCounters } from '../../native-free/index.js';
import type { ChannelStatus, LaneKind, SessionStatus } from '../status.js';
import type { ChannelSessions } from './channel-sessions.js';
import { clientName } from './session-record.js';

/** Which session and lane carry the channel now. */
export interface Carrier {
  sid: string;
  lane: LaneKind;
  reason: string;
}

export interface ChannelParts {
  key: string;
  marker: Marker;
  /** Port it listens on; 0 before that. */
  port: number;
  problem: string | undefined;
  counters: ReturnType<typeof readCounters>;
  sessions: ChannelSessions;
  outbound: OutboundSession;
  carrier: Carrier | undefined;
}

export function channelSnapshot(parts: ChannelParts): ChannelStatus {
  const { key, marker, port, problem, counters } = parts;
  return {
    key,
    peer: marker.peer,
    from: marker.from,
    to: marker.to,
    port,
    listening: port !== 0,
    connections: counters.liveConnections,
    ...(problem === undefined ? {} : { problem }),
    counters,
    sessions: sessionSnapshots(parts),
  };
}

/** The sessions that are up, and the one that we are opening. */
function sessionSnapshots({ key, marker, counters, sessions, outbound, carrier }: ChannelParts): SessionStatus[] {
  const channel = key.split('/').at(-2) ?? '';
  const snapshots: SessionStatus[] = [...sessions.all()].map((record) => ({
    sid: record.sid,
    direction: record.direction,
    peer: marker.peer,
    channel,
    state: 'accepted',
    webrtc: record.webrtc,
    ...(record.webrtcReason === '' ? {} : { webrtcReason: record.webrtcReason }),
    ...(record.candidates === undefined ? {} : { candidates: record.candidates }),
    client: clientName(record.peer),
    ...(carrier?.sid === record.sid ? { lane: carrier.lane, laneReason: carrier.reason } : {}),
    seq: record.direction === 'out' ? counters.txPackets : counters.rxPackets,
    mtu: record.mtu,
  }));
  const { sid, state } = outbound;
  if (sid !== undefined && sessions.get(sid) === undefined && state === 'opening') {
    snapshots.push({ sid, direction: 'out', peer: marker.peer, channel, state: 'opening', webrtc: 'none', client: 'unknown', seq: 0 });
  }
  return snapshots;
}
