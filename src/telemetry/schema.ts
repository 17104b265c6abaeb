// The telemetry file's content, computed from a status snapshot: upstream's names and types (wire.md §8), our additions beside them.
// Other programs parse this. Names stay; a number never turns into a string.
import type { ChannelCounters, LaneKind, SessionStatus, Status } from '../status.js';

interface LiveSession {
  /** First eight characters. */
  sid: string;
  peer: string;
  channel: string;
  webrtc: SessionStatus['webrtc'];
  /** Ours from here on: what carries it now, and why that. */
  lane?: LaneKind;
  lane_reason?: string;
  /** Why there is no data channel. */
  webrtc_reason?: string;
  /** Kinds of the candidates that carry the data channel. */
  candidates?: { local: string; remote: string };
  /** Whether the relay sees only ciphertext of it. */
  sealed?: boolean;
}

interface LiveProxy {
  port: number;
  from: string;
  to: string;
  connected: boolean;
  /** Ours from here on. */
  listening: boolean;
  tx_bytes: number;
  rx_bytes: number;
  tx_p2p_packets: number;
  tx_direct_packets: number;
  tx_ws_packets: number;
  problem?: string;
}

export interface Telemetry {
  mode: string;
  bench_strict: boolean;
  started_ms: number;
  updated_ms: number;
  tx_packets: number;
  tx_bytes: number;
  tx_p2p_packets: number;
  /** Older readers' name of `tx_p2p_packets`. */
  tx_quic_packets: number;
  tx_ws_packets: number;
  tx_direct_packets: number;
  tx_avg_send_ms: number;
  tx_max_send_ms: number;
  rx_packets: number;
  rx_bytes: number;
  rx_avg_write_ms: number;
  rx_max_write_ms: number;
  p2p_offers: number;
  p2p_answers_ok: number;
  p2p_answers_err: number;
  ws_fallbacks: number;
  strict_violations: number;
  /** Live sessions whose data channel is open; a session outlives the TCP connections it carried. */
  webrtc_connected: number;
  /** Handshake times, ms; null until the first one was seen. */
  offer_to_dc_open_ms: number | null;
  open_to_first_payload_ms: number | null;
  first_payload_to_steady_state_ms: number | null;
  live: {
    inbound: number;
    outbound_accepted: number;
    /** Everything not accepted, rejected ones included, as upstream counts. */
    outbound_pending: number;
    webrtc_connected: number;
    tcp_proxies: number;
    sessions_in: LiveSession[];
    sessions_out: (LiveSession & { status: 'pending' | 'accepted' | 'rejected'; seq: number })[];
    proxies: LiveProxy[];
  };
}

/** Pure: one status snapshot in, the file's object out. */
export function telemetryOf(status: Status): Telemetry {
  const sum = (pick: (counters: ChannelCounters) => number): number =>
    status.channels.reduce((total, one) => total + pick(one.counters), 0);
  const max = (pick: (counters: ChannelCounters) => number): number =>
    status.channels.reduce((top, one) => Math.max(top, pick(one.counters)), 0);
  const proxies = status.channels.filter(({ shape }) => shape !== 'ipc');
  const live = status.channels.flatMap((channel) => channel.sessions).filter((session) => session.state !== 'closed');
  const inbound = live.filter((session) => session.direction === 'in');
  const outbound = live.filter((session) => session.direction === 'out');
  const accepted = outbound.filter((session) => session.state === 'accepted');
  const connected = live.filter((session) => session.webrtc === 'connected').length;
  const txPackets = sum((one) => one.txPackets);
  const rxPackets = sum((one) => one.rxPackets);
  const p2pPackets = sum((one) => one.txP2pPackets);
  return {
    mode: status.mode,
    bench_strict: status.strict,
    started_ms: status.startedMs,
    updated_ms: status.nowMs,
    tx_packets: txPackets,
    tx_bytes: sum((one) => one.txBytes),
    tx_p2p_packets: p2pPackets,
    tx_quic_packets: p2pPackets,
    tx_ws_packets: sum((one) => one.txWsPackets),
    tx_direct_packets: sum((one) => one.txDirectPackets),
    tx_avg_send_ms: mean(
      sum((one) => one.txSendMsTotal),
      txPackets,
    ),
    tx_max_send_ms: Math.round(max((one) => one.txSendMsMax)),
    rx_packets: rxPackets,
    rx_bytes: sum((one) => one.rxBytes),
    rx_avg_write_ms: mean(
      sum((one) => one.rxWriteMsTotal),
      rxPackets,
    ),
    rx_max_write_ms: Math.round(max((one) => one.rxWriteMsMax)),
    p2p_offers: status.totals.p2pOffers,
    p2p_answers_ok: status.totals.p2pAnswersOk,
    p2p_answers_err: status.totals.p2pAnswersErr,
    ws_fallbacks: sum((one) => one.wsFallbacks),
    strict_violations: status.totals.strictViolations,
    webrtc_connected: connected,
    offer_to_dc_open_ms: status.timings.offerToDcOpenMs ?? null,
    open_to_first_payload_ms: status.timings.openToFirstPayloadMs ?? null,
    first_payload_to_steady_state_ms: status.timings.firstPayloadToSteadyStateMs ?? null,
    live: {
      inbound: inbound.length,
      outbound_accepted: accepted.length,
      outbound_pending: outbound.length - accepted.length,
      webrtc_connected: connected,
      tcp_proxies: proxies.length,
      sessions_in: inbound.map(liveSession),
      sessions_out: outbound.map((session) => ({ ...liveSession(session), status: outboundStatus(session), seq: session.seq })),
      proxies: proxies.map((channel) => ({
        port: channel.port,
        from: channel.from,
        to: channel.to,
        connected: channel.connections > 0,
        listening: channel.listening,
        tx_bytes: channel.counters.txBytes,
        rx_bytes: channel.counters.rxBytes,
        tx_p2p_packets: channel.counters.txP2pPackets,
        tx_direct_packets: channel.counters.txDirectPackets,
        tx_ws_packets: channel.counters.txWsPackets,
        ...(channel.problem === undefined ? {} : { problem: channel.problem }),
      })),
    },
  };
}

function liveSession(session: SessionStatus): LiveSession {
  const { peer, channel, webrtc, lane, laneReason, webrtcReason, candidates, sealed } = session;
  return {
    sid: session.sid.slice(0, 8),
    peer,
    channel,
    webrtc,
    ...(lane === undefined ? {} : { lane }),
    ...(sealed === undefined ? {} : { sealed }),
    ...(laneReason === undefined ? {} : { lane_reason: laneReason }),
    ...(webrtcReason === undefined ? {} : { webrtc_reason: webrtcReason }),
    ...(candidates === undefined ? {} : { candidates }),
  };
}

function outboundStatus(session: SessionStatus): 'pending' | 'accepted' | 'rejected' {
  return session.state === 'accepted' || session.state === 'rejected' ? session.state : 'pending';
}

function mean(total: number, count: number): number {
  return count === 0 ? 0 : total / count;
}
