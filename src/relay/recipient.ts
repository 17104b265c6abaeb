// One client as the router and the session rules see it: a connection of this process, or one at another process of the cluster.
// Invariant: what is delivered arrives in order, or the recipient is gone.
import type { EnvelopeFormat, Message } from '../../native-free/envelope/index.js';
import type { FlowEnd } from './flow.js';

/** What the server writes; the client may send either at any time. Msgpack in the Go server's dialect, which is what clients are used to. */
export type OutputFormat = Extract<EnvelopeFormat, 'msgpack-full' | 'json'>;

/** Whose message leads to another one; it is stopped when that is too much for the recipient. */
export interface Cause {
  readonly flow: FlowEnd;
}

export interface Recipient extends Cause {
  /** For logs: unique among the connections of one process. */
  readonly id: number;
  readonly user: string;
  readonly format: OutputFormat;
  /** Send a message. */
  deliver(id: string, message: Message, cause: Cause): void;
  /** Send an envelope that is in this client's format already. */
  deliverFrame(frame: Uint8Array | string, cause: Cause): void;
}
