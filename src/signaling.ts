// The signaling port: an embedding program carries the control messages itself, in place of a relay connection. Envelopes are opaque bytes to it,
// some hundred up to a few thousand each, a dozen or two per session; payload never takes this way. Types only.

/** Where the carrier tells the data plane what happens. */
export interface SignalingPort {
  /** The identity that envelopes come from. */
  readonly email: string;
  /** Envelopes can be sent from now on. */
  up(): void;
  /** Nothing can be sent for now. Streams go on over the lanes that are up. */
  down(reason: string): void;
  /**
   * An envelope arrived, as the peer's `send` was given it. The carrier answers for `from`, the peer's e-mail.
   * @remarks It is not kept after the call; one that cannot be read is counted and dropped. Whoever can make the carrier say another's name can take that
   * one's place. A message about somebody else's session is dropped.
   */
  receive(envelope: Uint8Array, from: string): void;
}

/**
 * A carrier of control messages, which the program supplies. While it is up it must lose no envelope between two identities, and keep their order.
 * @remarks What was sent to a peer that is not there may be lost, and is repeated. Exceptions are taken as {@link SignalingPort.down}.
 */
export interface Signaling {
  /** What status and log call it. Default `own signaling`. */
  readonly name?: string;
  /** Begins to carry: calls `port.up()`, now or later. Called once, by `start()`, which waits for it. */
  connect(port: SignalingPort): void | Promise<void>;
  /** Sends one envelope, between `up` and `down`, about the session `sid`; `type` as in `MessageType` of `hotlink/native-free`. The bytes are the carrier's to keep. */
  send(envelope: Uint8Array, to: { peer: string; sid: string; type: 9 | 10 | 11 | 12 | 13 | 14 }): void;
  /** The data plane has stopped: ends, behind what was sent. `stop()` waits for it. */
  close(): void | Promise<void>;
}

/** Where an envelope goes. Never Data, since payload takes no such way. */
export type SignalingAddress = Parameters<Signaling['send']>[1];
