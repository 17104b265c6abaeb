// Where a peer's control message goes: to the inbound sessions if the peer opened the session, otherwise to the channel that did. A
// message about a session that nobody has is passed over. Wire spec 2; main thread.

import { type Fingerprint, MessageType } from '../../native-free/index.js';
import type { FromRelay } from '../../workers/messages.js';
import type { Channels } from './channels.js';
import type { InboundControl } from './inbound-control.js';

/** A control message as the relay worker hands it over. */
export type ReceivedMessage = Extract<FromRelay, { t: 'message' }>;

/** @param peer who sent it, as far as its id tells */
export function dispatchMessage(
  { message }: ReceivedMessage,
  peer: Fingerprint,
  inbound: InboundControl,
  channels: Channels,
  nowMs: number,
): void {
  switch (message.typ) {
    case MessageType.Open:
      inbound.handleOpen(peer, message, nowMs);
      break;
    case MessageType.Accept:
      channels.ofSid(message.sid)?.handleAccept(message.sid, peer, nowMs);
      break;
    case MessageType.Reject:
      if (inbound.has(message.sid)) inbound.handleReject(message.sid, message.rsn ?? 'rejected');
      else channels.ofSid(message.sid)?.handleReject(message.sid, message.rsn ?? '', nowMs);
      break;
    case MessageType.Close:
      if (inbound.has(message.sid)) inbound.handleClose(message.sid, message.rsn ?? '');
      else channels.ofSid(message.sid)?.handleClose(message.sid, message.rsn ?? '', nowMs);
      break;
    case MessageType.Signal: {
      const channel = inbound.has(message.sid) ? inbound.channelOf(message.sid) : channels.ofSid(message.sid);
      if (message.knd === 'quic_error' && message.err === 'unknown session') channel?.handleReject(message.sid, 'unknown session', nowMs);
      else channel?.handleSignal(message, nowMs);
      break;
    }
  }
}
