// Every lane of a channel for status, best first: the one that carries, and of the others, in words, why not. Main thread.

import type { PeerLaneKind } from '../../native-free/index.js';
import type { LaneKind, LaneStatus } from '../status.js';
import type { ChannelParts } from './channel-snapshot.js';
import type { SessionRecord } from './session-record.js';

type PeerLaneState = 'none' | 'connecting' | 'connected' | 'error';

/** How a lane between the two machines stands in one session. */
const standing: Record<PeerLaneKind, (record: SessionRecord) => { state: PeerLaneState; reason: string }> = {
  direct: ({ direct }) => direct,
  webrtc: ({ webrtc, webrtcReason }) => ({ state: webrtc, reason: webrtcReason }),
};
const trying: Record<PeerLaneKind, string> = {
  direct: 'the two sides are dialling each other',
  webrtc: 'candidates are being tried',
};

export function laneStatuses(parts: ChannelParts): LaneStatus[] {
  const lanes = [peerLane('direct', parts), peerLane('webrtc', parts), relayLane(parts)];
  return lanes.map((one) => (one.lane === parts.carrier?.lane ? { lane: one.lane, state: 'carries', reason: '' } : one));
}

function peerLane(lane: PeerLaneKind, { allowed, webrtcMissing, sessions, outbound }: ChannelParts): LaneStatus {
  const records = [...sessions.all()];
  const stands = records.map(standing[lane]);
  const failed = stands.findLast(({ state }) => state === 'error');
  const is = (state: LaneStatus['state'], reason: string): LaneStatus => ({ lane, state, reason });
  if (!allowed[lane]) return is('off', (lane === 'webrtc' ? webrtcMissing : undefined) ?? 'switched off on this side');
  if (stands.some(({ state }) => state === 'connected')) return is('up', 'ready; nothing is sent over it now');
  if (stands.some(({ state }) => state === 'connecting')) return is('connecting', trying[lane]);
  if (failed !== undefined) return is('failed', failed.reason || 'no reason is known');
  if (records.length > 0)
    return is(
      'idle',
      lane === 'direct' && records.every(({ peer }) => peer.kind !== 'hotlink') ? 'the peer is an upstream client' : 'not begun',
    );
  return is('idle', outbound.state === 'opening' ? 'the peer has not accepted a session yet' : 'no session: nothing has been sent yet');
}

function relayLane({ allowed, sessions }: ChannelParts): LaneStatus {
  const lane: LaneKind = 'relay';
  const records = [...sessions.all()];
  if (!allowed.relay) return { lane, state: 'off', reason: 'payload may not go through the relay (p2p-only, or not among the lanes)' };
  if (records.some(({ binding }) => binding !== 0))
    return { lane, state: 'up', reason: 'ready; a better lane carries, or nothing is sent' };
  return {
    lane,
    state: 'idle',
    reason: records.length === 0 ? 'no session' : 'not asked for: a better lane carries, or is being waited for',
  };
}
