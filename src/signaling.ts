// The signaling port: an embedding program carries the control messages itself, in place of a relay connection. Envelopes are opaque bytes to it,
// some hundred up to a few thousand each, a dozen or two per session; payload never takes this way. Types only.

/** What the data plane gives to the carrier, to be told what happens on it. */
export interface SignalingPort {
  /** The identity that envelopes come from. */
  readonly email: string;
  /** Envelopes can be sent from now on. Sessions are opened, or opened anew after {@link down}. */
  up(): void;
  /**
   * Nothing can be sent for now. Streams go on over the lanes that are up; {@link Signaling.send} is not called until {@link up}.
   * @param reason in a sentence, for status and log
   */
  down(reason: string): void;
  /**
   * An envelope arrived.
   * @param envelope as the peer's `send` was given it; not kept after the call. One that cannot be read is counted and dropped
   * @param from the e-mail of the peer it came from, which the carrier answers for: whoever can make it say another's name can take that
   *   one's place. A message about somebody else's session is dropped
   */
  receive(envelope: Uint8Array, from: string): void;
}

/** Where an envelope goes. */
export interface SignalingAddress {
  /** The peer's e-mail. */
  peer: string;
  /** The session it is about. */
  sid: string;
  /** The kind of message (`MessageType` of `hotlink/native-free`): Open 9, Accept 10, Reject 11, Data 12 (never, since payload takes no such way), Close 13, Signal 14. */
  type: 9 | 10 | 11 | 12 | 13 | 14;
}

/**
 * A carrier of control messages. Between two identities it must keep the order of envelopes while it is up, and lose none; what was sent to a peer
 * that is not there may be lost, and is repeated. Exceptions are taken as {@link SignalingPort.down}.
 */
export interface Signaling {
  /** What status and log call it, in place of the relay's address. Default `own signaling`. */
  readonly name?: string;
  /** Begins to carry; called once, by `start()`, which waits for it. Call {@link SignalingPort.up} when it does, now or later. */
  connect(port: SignalingPort): void | Promise<void>;
  /** Sends one envelope, called between `up` and `down` only. The bytes are the carrier's to keep. */
  send(envelope: Uint8Array, to: SignalingAddress): void;
  /** The data plane has stopped: behind what was sent, the end. Called once, if `connect` was. `stop()` waits for it. */
  close(): void | Promise<void>;
}
