// The receiving half of one stream: what arrived, what the application took, and the credit its sender has. Credit is absolute and only
// grows; the part beyond what the application took is this stream's memory here, between a floor and a ceiling. Any thread.
//
// Tuning: a sender that has more on its way than it may still send says so, behind its last byte, and again when its bytes wait for credit. If little of
// what arrived since it last said so is left for the application by then, it is the round trip that holds the sender back, and the credit doubles, before
// it is used up where the rate doubles once a round trip at most. (Little of the credit would not do: that doubles each time, while what a slow application
// leaves grows by as much.) No clock and no estimate of the round trip is needed.

export class InStream {
  readonly #floorBytes: number;
  #ceilingBytes: number;
  #receivedBytes = 0;
  #consumedBytes = 0;
  #grantedBytes: number;
  #creditBytes: number;
  /** What had arrived when the sender last asked for more. */
  #askedBytes = 0;
  /** A frame of the stream has arrived: the peer knows the stream. */
  heard = false;
  /** The peer's end or reset has arrived, or the stream was refused: nothing more is delivered. */
  done = false;
  /** The peer tore the stream down: it expects nothing any more. */
  resetByPeer = false;

  constructor(floorBytes: number, ceilingBytes: number) {
    this.#creditBytes = floorBytes;
    this.#grantedBytes = floorBytes;
    this.#floorBytes = floorBytes;
    this.#ceilingBytes = Math.max(floorBytes, ceilingBytes);
  }

  /** From now on its credit may grow up to this. */
  raiseCeiling(bytes: number): void {
    this.#ceilingBytes = Math.max(this.#ceilingBytes, bytes);
  }

  /** Bytes that were delivered and not taken yet. */
  get backlogBytes(): number {
    return this.#receivedBytes - this.#consumedBytes;
  }
  get creditBytes(): number {
    return this.#creditBytes;
  }
  /** The sender was told of more credit than a stream begins with, so that the telling could have been lost. */
  get wasGranted(): boolean {
    return this.#grantedBytes > this.#floorBytes;
  }

  /** @returns false when the sender had no credit for these bytes */
  receive(bytes: number): boolean {
    this.#receivedBytes += bytes;
    return this.#receivedBytes <= this.#grantedBytes;
  }

  /** The application took bytes. @returns true when the sender is to be told now: a quarter of the credit is free, so it never runs dry */
  consume(bytes: number): boolean {
    this.#consumedBytes += bytes;
    return this.#consumedBytes + this.#creditBytes - this.#grantedBytes >= this.#creditBytes >> 2;
  }

  /** The sender has used up its credit, or will have soon, and has more to send. */
  hungry(): void {
    const arrivedBytes = this.#receivedBytes - this.#askedBytes;
    this.#askedBytes = this.#receivedBytes;
    if (arrivedBytes > 0 && this.backlogBytes <= arrivedBytes >> 2) this.#creditBytes = Math.min(this.#ceilingBytes, this.#creditBytes * 2);
  }

  /** @returns the sender's byte limit from now on */
  grant(): number {
    this.#grantedBytes = Math.max(this.#grantedBytes, this.#consumedBytes + this.#creditBytes);
    return this.#grantedBytes;
  }
}
