// A burst's result for people: one table, the telemetry behind it, and a verdict.
import type { BurstResult, LinkResult } from './burst-result.js';
import { table } from './text-table.js';

/** Text for stdout, without the trailing newline. */
export function burstReport(result: BurstResult): string {
  const rows = [
    ...rowsOf(result.links, result.phases[0] === 'concurrent' ? 'at once' : 'one by one'),
    ...rowsOf(result.concurrent ?? [], 'at once'),
  ];
  const parts: string[] = [];
  if (rows.length > 0) parts.push(table(['from', 'to', 'phase', 'lane', 'MiB', 'seconds', 'MiB/s', 'bytes'], rows, [4, 5, 6]));
  if (result.telemetry.length > 0) {
    const head = ['party', 'packets p2p', 'packets relay', 'fallbacks', 'strict violations', 'webrtc connected'];
    const telemetry = result.telemetry.map((party) => [
      party.email,
      ...[party.tx_p2p_packets, party.tx_ws_packets, party.ws_fallbacks, party.strict_violations, party.webrtc_connected].map(String),
    ]);
    parts.push(table(head, telemetry, [1, 2, 3, 4, 5]));
  }
  parts.push(result.ok ? verdict(result) : ['FAILED', ...result.failures.map((failure) => `  ${failure}`)].join('\n'));
  return parts.join('\n\n');
}

function rowsOf(links: readonly LinkResult[], phase: string): string[][] {
  return links.map((link) => [
    link.from,
    link.to,
    phase,
    link.lane,
    (link.bytes / 2 ** 20).toFixed(0),
    link.seconds.toFixed(2),
    link.mibPerSecond.toFixed(1),
    link.digestOk ? (link.sha256 ? `sha256 ${link.sha256.slice(0, 12)}` : 'all equal') : 'WRONG',
  ]);
}

function verdict(result: BurstResult): string {
  const carriers = [...new Set(result.links.map((link) => link.lane))].join(', ');
  const probes = result.probes > 0 ? `${result.probes} zero-byte probes meanwhile; ` : '';
  return `ok: every byte arrived intact over ${carriers}; ${probes}slowest link ${result.minMibPerSecond.toFixed(1)} MiB/s`;
}
