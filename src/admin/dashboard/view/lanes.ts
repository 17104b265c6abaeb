// The lane of a channel in words: what carries it, why that one, and what stands in the way of the better ones. Pure; runs in the browser.
import type { LaneStatus } from '../../../status.js';
import type { ChannelReport } from '../../report.js';
import type { Tone } from './tone.js';

export interface LaneView {
  name: string;
  state: string;
  tone: Tone;
  reason: string;
}

export interface CarrierView {
  /** `direct`, `webrtc`, `webrtc through TURN`, `relay`, `no lane`, … */
  word: string;
  tone: Tone;
  /** Why this one; empty where it is the best. */
  why: string;
}

const STATES: Record<LaneStatus['state'], { word: string; tone: Tone }> = {
  carries: { word: 'carries', tone: 'good' },
  up: { word: 'up, standing by', tone: 'quiet' },
  connecting: { word: 'connecting', tone: 'fair' },
  failed: { word: 'failed', tone: 'bad' },
  idle: { word: 'idle', tone: 'quiet' },
  off: { word: 'off', tone: 'quiet' },
};

export function carrierView(channel: ChannelReport): CarrierView {
  const { lane, laneReason = '', sessions, problem } = channel;
  if (lane === undefined) {
    if (problem !== undefined) return { word: 'no lane', tone: 'bad', why: problem };
    const asking = sessions.some(({ state }) => state === 'opening');
    if (asking) return { word: 'asking the peer', tone: 'fair', why: 'the peer has not accepted a session yet' };
    return { word: 'no lane', tone: 'quiet', why: 'nothing has been sent yet' };
  }
  const candidates = sessions.find((session) => session.lane === lane)?.candidates;
  const throughTurn = lane === 'webrtc' && (candidates?.local === 'relay' || candidates?.remote === 'relay');
  return { word: throughTurn ? 'webrtc through TURN' : lane, tone: lane === 'relay' ? 'fair' : 'good', why: laneReason };
}

/** Every lane, best first. */
export function laneViews({ lanes, sessions }: ChannelReport): LaneView[] {
  return lanes.map(({ lane, state, reason }) => {
    const { word, tone } = STATES[state];
    const candidates = lane === 'webrtc' ? sessions.find((session) => session.candidates !== undefined)?.candidates : undefined;
    const path = candidates === undefined ? '' : `candidates: ${candidates.local} here, ${candidates.remote} there`;
    // The relay carrying is what the better lanes are there to end.
    return { name: lane, state: word, tone: state === 'carries' && lane === 'relay' ? 'fair' : tone, reason: reason || path };
  });
}

/** The lanes above the one that carries that were tried, or may not be used; before anything was sent there are none. */
export function betterLanes({ lanes, lane }: ChannelReport): LaneStatus[] {
  const carries = lanes.findIndex(({ state }) => state === 'carries');
  const above = carries < 0 ? lanes : lanes.slice(0, carries);
  return above.filter(({ state }) => state === 'failed' || state === 'connecting' || (lane !== undefined && state === 'off'));
}
