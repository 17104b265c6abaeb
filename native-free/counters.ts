// The counters of one channel as doubles in shared memory: the channel worker is the only writer, the main thread reads whenever it
// likes, so status and telemetry stay live even while a worker is busy and cost the byte path no message.
//
//   Float64Array over a SharedArrayBuffer, one word per name below, in this order. An aligned 8-byte store is not torn on any
//   platform Node runs on; a reader may see counters of slightly different moments, which a snapshot of a running system is anyway.

/** The counters of a channel, in the order of their words. */
export const COUNTER_NAMES = [
  'txPackets',
  'txBytes',
  'txP2pPackets',
  'txWsPackets',
  'txSendMsTotal',
  'txSendMsMax',
  'rxPackets',
  'rxBytes',
  'rxWriteMsTotal',
  'rxWriteMsMax',
  'framesRefused',
  'duplicates',
  'retransmits',
  'gateStalls',
  'chunkSteps',
  'probes',
  'connections',
  'resets',
  'wsFallbacks',
  'strictViolations',
  'acksSent',
  'acksReceived',
  'heldFrames',
  'windowBytes',
  'liveConnections',
  'pings',
  'holeReports',
  'creditBreaches',
  'lanesSuspected',
  'txDirectPackets',
  'directRefused',
  'rttMs',
  'inFlightFrames',
  'openStreams',
  'laneBufferedBytes',
  'backlogBytes',
  'sealBroken',
  'sealRepeats',
  'txDatagrams',
  'datagramsLost',
] as const;

/** One of them. */
export type CounterName = (typeof COUNTER_NAMES)[number];

/** Word index of every counter. */
export const Counter = Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, index])) as { readonly [K in CounterName]: number };

/** @returns zeroed shared memory for one channel's counters */
export function createCounters(): SharedArrayBuffer {
  return new SharedArrayBuffer(COUNTER_NAMES.length * 8);
}

/** @returns every counter by name, as numbers at about this moment */
export function readCounters(memory: SharedArrayBuffer): Record<CounterName, number> {
  const words = new Float64Array(memory);
  const out = {} as Record<CounterName, number>;
  COUNTER_NAMES.forEach((name, index) => {
    out[name] = words[index] as number;
  });
  return out;
}
