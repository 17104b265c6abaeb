// A client that is connected to another process of the cluster, as the router and the session rules of this one see it.
// Invariant: what is delivered to it reaches its process in order, or that process is lost; it feeds and is stopped like a client here.
import { encodeEnvelope, type Message } from '../../../native-free/envelope/index.js';
import type { FlowEnd, FlowLimits } from '../flow.js';
import type { Cause, OutputFormat, Recipient } from '../recipient.js';
import { AT_SESSION, Leg, type LegLink } from './leg.js';

export class RemoteClient implements Recipient {
  readonly id: number;
  readonly user: string;
  readonly format: OutputFormat;
  readonly leg: Leg;

  constructor(link: LegLink, id: number, user: string, format: OutputFormat, limits: FlowLimits, onPause: () => void) {
    this.id = id;
    this.user = user;
    this.format = format;
    this.leg = new Leg(link, id, AT_SESSION, limits, onPause);
  }

  get flow(): FlowEnd {
    return this.leg.flow;
  }

  deliver(id: string, message: Message, cause: Cause): void {
    this.deliverFrame(encodeEnvelope(id, message, this.format), cause);
  }

  deliverFrame(frame: Uint8Array | string, cause: Cause): void {
    this.leg.flow.deliver(frame, cause.flow);
  }
}
