// How the SCTP of one peer connection is tuned. On one machine small buffers: larger ones overrun the stack's internal queues and become loss. Anywhere
// else the buffers must hold rate × round trip, or they limit the rate (perf/README.md, "SCTP windows"). Channel worker thread.
//
// The stack has one set of values per image, so per thread, and reads it when a connection's DTLS is up. They are therefore set anew before each
// connection and again with its remote description; of two connections of different kinds that come up within the same moment on one thread both
// may get the later one's, which costs speed and nothing else.

import type { SctpSettings } from 'node-datachannel';
import type { RtcSettings } from '../messages.js';

const MIB = 1_048_576;
/** Both ends on one machine: a round trip takes a tenth of a millisecond. */
const SAME_HOST_BYTES = MIB;
/** 1 Gbit/s for 128 ms. What is really in flight is bounded by the channel's own window, so this costs no memory by itself. */
const PATH_BYTES = 16 * MIB;
/** The stack's own limit, which suits the small buffers. */
const MIN_CHUNKS = 10_240;
/** A chunk carries about a packet: as many as fill the buffers when packets are small. */
const CHUNK_BYTES = 512;
/** Of usrsctp: RFC 2581 and HighSpeed TCP (RFC 3649). */
const CONGESTION = { standard: 0, hstcp: 1 } as const;

/** @param loopback both ends are on this machine */
export function sctpProfile({ sctpWindowBytes, sctpCongestion }: RtcSettings, loopback: boolean): SctpSettings {
  const bytes = sctpWindowBytes === 'auto' ? (loopback ? SAME_HOST_BYTES : PATH_BYTES) : sctpWindowBytes;
  return {
    sendBufferSize: bytes,
    recvBufferSize: bytes,
    maxChunksOnQueue: Math.max(MIN_CHUNKS, Math.ceil(bytes / CHUNK_BYTES)),
    congestionControlModule: CONGESTION[sctpCongestion],
  };
}
