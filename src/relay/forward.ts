// One message on its way to several recipients, and the Open as they are shown it.
// Invariant: it is encoded once per format, however many there are.
import { encodeEnvelope, type Message, MessageType, type OpenMessage } from '../../native-free/envelope/index.js';
import type { Cause, OutputFormat, Recipient } from './recipient.js';
import type { Session } from './sessions.js';

/** The Open as everybody is shown it. */
export function openOf({ sid, path, opener, to }: Session<Recipient>): OpenMessage {
  return { typ: MessageType.Open, sid, pth: path, frm: opener, ...(to === undefined ? {} : { to }) };
}

export class Forward {
  private readonly id: string;
  private readonly message: Message;
  private readonly cause: Cause;
  private readonly frames = new Map<OutputFormat, Uint8Array | string>();

  constructor(id: string, message: Message, cause: Cause) {
    this.id = id;
    this.message = message;
    this.cause = cause;
  }

  to(connection: Recipient): void {
    let frame = this.frames.get(connection.format);
    if (frame === undefined) {
      frame = encodeEnvelope(this.id, this.message, connection.format);
      this.frames.set(connection.format, frame);
    }
    connection.deliverFrame(frame, this.cause);
  }
}
