// What the session machines share: the messages they ask to have sent, and who a peer turned out to be.
// The messages themselves are the envelope codec's (wire spec, section 2.2). Only data, any thread.

import type { Fingerprint } from '../envelope/ids.js';
import type { AcceptMessage, CloseMessage, OpenMessage } from '../envelope/types.js';

/** What the prefix of its message ids says a peer runs (wire spec, section 2.1). A hint, never a proof. */
export type PeerKind = Fingerprint['kind'];

/** Messages a session machine asks its owner to send over the relay. */
export type SessionMessage = OpenMessage | AcceptMessage | CloseMessage;

/** One message for the relay, in the order in which it has to be sent. */
export type SendOutput = { kind: 'send'; message: SessionMessage };

/** What the owner knows about a path. Anything but the two words is the id of the channel whose peer `frm` is. */
export type ChannelLookup = (path: string, frm: string) => string | 'unknown-channel' | 'wrong-peer';
