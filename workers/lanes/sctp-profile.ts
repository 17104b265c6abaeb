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
/**
 * Of each further member of a striped lane. With 16 MiB each, eight HSTCP members carried 4 MiB/s over 50 ms and 0.1 % loss, with 2 MiB 12
 * (perf/README.md): a repair that is lost itself makes the stack send everything that is unacknowledged again.
 */
const MEMBER_BYTES = 2 * MIB;
/** The stack's own limit, which suits the small buffers. */
const MIN_CHUNKS = 10_240;
/** A chunk carries about a packet: as many as fill the buffers when packets are small. */
const CHUNK_BYTES = 512;
/** Of usrsctp: RFC 2581 and HighSpeed TCP (RFC 3649). */
const CONGESTION = { standard: 0, hstcp: 1 } as const;

/** What a connection is for: a session's first and most often only one, or a further member of its striped lane, for a path that loses or one that does not. */
export type ConnectionUse = 'first' | 'member' | 'lossy-member';

/** @param loopback both ends are on this machine */
export function sctpProfile(
  { sctpWindowBytes, sctpCongestion }: RtcSettings,
  loopback: boolean,
  use: ConnectionUse = 'first',
): SctpSettings {
  const pathBytes = use === 'first' ? PATH_BYTES : MEMBER_BYTES;
  const bytes = sctpWindowBytes === 'auto' ? (loopback ? SAME_HOST_BYTES : pathBytes) : sctpWindowBytes;
  return {
    sendBufferSize: bytes,
    recvBufferSize: bytes,
    maxChunksOnQueue: Math.max(MIN_CHUNKS, Math.ceil(bytes / CHUNK_BYTES)),
    congestionControlModule: CONGESTION[use === 'lossy-member' ? 'hstcp' : sctpCongestion],
  };
}
