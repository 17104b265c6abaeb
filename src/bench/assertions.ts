// What the telemetry files must say after a burst: BioVault's own assertions (workloads §1.5) and the stricter ones we hold ourselves to.
import type { BurstOptions } from './burst-options.js';
import type { PartyTelemetry } from './burst-result.js';

/** One sentence per violated expectation; `senders` are the e-mails that sent payload. */
export function telemetryFailures(options: BurstOptions, parties: readonly PartyTelemetry[], senders: ReadonlySet<string>): string[] {
  return parties.flatMap((party) => {
    const expectations = expectationsFor(options, party, senders.has(party.email));
    return expectations.filter(([holds]) => !holds).map(([, sentence]) => `${party.email}: ${sentence}`);
  });
}

type Expectation = [holds: boolean, otherwise: string];

function expectationsFor(options: BurstOptions, party: PartyTelemetry, sends: boolean): Expectation[] {
  const strict: Expectation[] = options.strict
    ? [[party.strict_violations === 0, `strict_violations is ${party.strict_violations}, expected 0`]]
    : [];
  if (options.lane === 'relay' || options.refuseWebrtc) {
    return [
      ...strict,
      [party.tx_p2p_packets === 0, `tx_p2p_packets is ${party.tx_p2p_packets} although WebRTC was off`],
      [!sends || party.tx_ws_packets > 0, 'tx_ws_packets is 0 although it sent through the relay'],
    ];
  }
  if (options.lane === 'auto') return strict;
  return [
    ...strict,
    [party.ws_fallbacks === 0, `ws_fallbacks is ${party.ws_fallbacks}, expected 0`],
    [party.tx_ws_packets === 0, `tx_ws_packets is ${party.tx_ws_packets}, expected 0`],
    ...laneExpectations(options.lane, party),
    [!sends || party.tx_p2p_packets > 0, 'tx_p2p_packets is 0 although it sent'],
  ];
}

function laneExpectations(lane: 'direct' | 'webrtc', party: PartyTelemetry): Expectation[] {
  if (lane === 'direct') {
    return [
      [party.tx_direct_packets === party.tx_p2p_packets, `only ${party.tx_direct_packets} of ${party.tx_p2p_packets} took the direct lane`],
    ];
  }
  return [
    [party.webrtc_connected > 0, 'webrtc_connected is 0 after the sockets closed, expected a live session'],
    [party.tx_direct_packets === 0, `${party.tx_direct_packets} packets took the direct lane instead of WebRTC`],
  ];
}
