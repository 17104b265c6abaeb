// One channel as its card shows it. Pure; runs in the browser.
import { bytesText, durationText, rateText } from '../../../quantities.js';
import type { SessionStatus } from '../../../status.js';
import type { ChannelReport } from '../../report.js';
import { type CarrierView, carrierView, type LaneView, laneViews } from './lanes.js';

export interface ChannelView {
  key: string;
  name: string;
  peer: string;
  /** `listens on 127.0.0.1:9001`, `dials 127.0.0.1:5432`, … */
  place: string;
  carrier: CarrierView;
  /** For how long it has been carrying; empty while nothing does. */
  since: string;
  out: string;
  in: string;
  roundTrip: string;
  lanes: LaneView[];
  /** Label and value, in the order they are shown. */
  facts: (readonly [label: string, value: string])[];
  sessions: SessionView[];
}

export interface SessionView {
  sid: string;
  /** `out, hotlink`, with the peer's identity key when it has proved one. */
  who: string;
  state: string;
  /** What carries it, or how far its lanes got; whether the relay can read it. */
  lanes: string;
}

export function channelView(channel: ChannelReport, nowMs: number): ChannelView {
  const { key, name, peer, rates, counters, rttMs, laneSinceMs } = channel;
  return {
    key,
    name,
    peer,
    place: placeText(channel),
    carrier: carrierView(channel),
    since: laneSinceMs === undefined ? '' : durationText(nowMs - laneSinceMs),
    out: rateText(rates?.txBytesPerSecond ?? 0),
    in: rateText(rates?.rxBytesPerSecond ?? 0),
    roundTrip: rttMs === undefined ? '–' : durationText(rttMs),
    lanes: laneViews(channel),
    facts: [
      ['sent', bytesText(counters.txBytes)],
      ['received', bytesText(counters.rxBytes)],
      ['open streams', String(channel.streams)],
      ['connections', String(channel.connections)],
      ['in flight', `${channel.inFlightFrames} frames`],
      ['send window', bytesText(counters.windowBytes)],
      ['lane buffer', bytesText(channel.laneBufferedBytes)],
      ['not yet read', bytesText(channel.backlogBytes)],
      ['sent again', String(counters.retransmits)],
      ['stalls', String(counters.gateStalls)],
      ['fallbacks', String(counters.wsFallbacks)],
      ['idle for', durationText(nowMs - (rates?.idleSinceMs ?? channel.addedMs))],
    ],
    sessions: channel.sessions.map(sessionView),
  };
}

function sessionView({ sid, direction, client, state, lane, webrtc, direct, sealed, identity }: SessionStatus): SessionView {
  const seal = sealed === undefined ? '' : sealed ? ', relay sealed' : ', relay not sealed';
  return {
    sid,
    who: `${direction}, ${client}${identity === undefined ? '' : ` ${identity}`}`,
    state,
    lanes: `${lane === undefined ? `direct ${direct}, webrtc ${webrtc}` : `carries over ${lane}`}${seal}`,
  };
}

function placeText({ shape, address, listening }: ChannelReport): string {
  if (address === '') return shape;
  if (shape === 'dial') return `dials ${address}`;
  return listening ? `listens on ${address} (${shape})` : `does not listen on ${address} (${shape})`;
}
