// An ordered, lossless stream of records between two processes over a carrier that may lose messages, as NATS does when a connection breaks.
// Invariant: records arrive whole, once and in order, or the link is broken and says so; at most the window is under way unacknowledged,
// and what was sent is kept until then. Pure: time is an argument, the carrier a function.
//
//   segment   01 │ 00 │ number u48 │ piece of the stream of records; a record is its length (u32) and its bytes
//   ack       02 │ more u8 │ number u48, of the last segment that arrived in order; more: 1 one behind it was missing, 2 send the rest again
export const SEGMENT = 1;
export const ACK = 2;
const PLAIN = 0;
const GAP = 1;
const AGAIN = 2;
const HEAD_BYTES = 8;
const LENGTH_BYTES = 4;
/** Longer records than this are not ours: a message of the largest size that can be configured, and what is around it. */
const MAX_RECORD_BYTES = 136 * 1024 * 1024;
/** Without progress all that is under way is sent again after this long, doubling; NATS loses nothing while its connections stand. */
const RESEND_MS = 1000;
const MAX_RESEND_MS = 8000;
/** Calls of tick() further apart than this: the process was busy. */
const BUSY_MS = 400;

export interface LinkPorts {
  /** Give a message to the carrier; it is not changed afterwards. */
  transmit(message: Uint8Array): void;
  /** A record arrived; a view that lives as long as it is kept. Must not throw. */
  record(body: Buffer): void;
}

export interface LinkLimits {
  /** Bytes under way without an acknowledgement. */
  windowBytes: number;
  /** Largest message for the carrier, head included. */
  readonly messageBytes: number;
}

export class Link {
  /** Segments that were sent again, and gaps seen in what arrived. */
  resent = 0;
  gaps = 0;
  readonly limits: LinkLimits;
  private readonly ports: LinkPorts;
  /** Pieces of the stream that are not in a segment yet. */
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private underWay: Uint8Array[] = [];
  private underWayBytes = 0;
  private nextNumber = 1;
  private resendMs = RESEND_MS;
  private progressAtMs = 0;
  private tickedAtMs = 0;
  /** The acknowledged number at which a gap was answered, so that one gap is answered once. */
  private gapAnswered = -1;
  private arrived = 0;
  private unackedBytes = 0;
  private gapReported = -1;
  private readonly assembly = new Assembly();

  constructor(ports: LinkPorts, limits: LinkLimits) {
    this.ports = ports;
    this.limits = limits;
  }

  /** Bytes that were not acknowledged or not sent yet. */
  get outstandingBytes(): number {
    return this.underWayBytes + this.waitingBytes;
  }

  /**
   * Queue one record. {@link flush} sends it.
   * @param parts its bytes, in pieces; not changed by the caller afterwards
   */
  send(...parts: readonly Uint8Array[]): void {
    let bytes = 0;
    for (const part of parts) bytes += part.byteLength;
    const length = new Uint8Array(LENGTH_BYTES);
    writeUint(length, 0, bytes, LENGTH_BYTES);
    this.waiting.push(length, ...parts);
    this.waitingBytes += LENGTH_BYTES + bytes;
  }

  /** Send what the window allows. */
  flush(nowMs: number): void {
    while (this.waitingBytes > 0 && (this.underWayBytes < this.limits.windowBytes || this.underWay.length === 0)) {
      const segment = this.cut();
      if (this.underWay.length === 0) this.progressAtMs = nowMs;
      this.underWay.push(segment);
      this.underWayBytes += segment.byteLength;
      this.ports.transmit(segment);
    }
  }

  /**
   * A message of the other end.
   * @returns false for one that no link writes: the link is broken then
   */
  receive(message: Uint8Array, nowMs: number): boolean {
    if (message.byteLength < HEAD_BYTES) return false;
    const number = readNumber(message);
    if (message[0] === ACK) return this.onAck(number, message[1] as number, nowMs);
    if (message[0] !== SEGMENT) return false;
    if (number !== this.arrived + 1) {
      if (number > this.arrived && this.gapReported !== this.arrived) {
        this.gaps++;
        this.gapReported = this.arrived;
        this.acknowledge(GAP);
      } else if (number <= this.arrived) this.unackedBytes++;
      return true;
    }
    this.arrived = number;
    this.unackedBytes += message.byteLength;
    // Acknowledged before it is dealt with: the other end's window opens while this one works.
    if (this.unackedBytes * 8 >= this.limits.windowBytes) this.acknowledge(PLAIN);
    return this.assembly.add(message.subarray(HEAD_BYTES), this.ports);
  }

  /** To be called every few ten milliseconds: late acknowledgements and resending. */
  tick(nowMs: number): void {
    if (this.unackedBytes > 0) this.acknowledge(PLAIN);
    // Acknowledgements may wait behind whatever kept this process busy: it did not listen, so nobody was silent.
    if (nowMs - this.tickedAtMs > BUSY_MS) this.progressAtMs += nowMs - this.tickedAtMs;
    this.tickedAtMs = nowMs;
    if (this.underWay.length > 0 && nowMs - this.progressAtMs >= this.resendMs) {
      this.resendMs = Math.min(MAX_RESEND_MS, this.resendMs * 2);
      this.resend(nowMs);
    }
  }

  /** The carrier's connection is a new one: what was under way is sent again, and asked for. Whichever end is back last repairs both ways. */
  restore(nowMs: number): void {
    this.resend(nowMs);
    this.acknowledge(AGAIN);
  }

  private resend(nowMs: number): void {
    this.progressAtMs = nowMs;
    this.gapReported = -1;
    this.resent += this.underWay.length;
    for (const segment of this.underWay) this.ports.transmit(segment);
  }

  private onAck(number: number, more: number, nowMs: number): boolean {
    const first = this.nextNumber - this.underWay.length;
    if (number >= this.nextNumber) return false;
    const count = number - first + 1;
    if (count > 0) {
      for (let i = 0; i < count; i++) this.underWayBytes -= (this.underWay[i] as Uint8Array).byteLength;
      this.underWay.splice(0, count);
      this.progressAtMs = nowMs;
      this.resendMs = RESEND_MS;
    }
    if (more === AGAIN || (more === GAP && number !== this.gapAnswered)) {
      this.gapAnswered = number;
      this.resend(nowMs);
    }
    this.flush(nowMs);
    return true;
  }

  private acknowledge(more: number): void {
    const message = new Uint8Array(HEAD_BYTES);
    message[0] = ACK;
    message[1] = more;
    writeUint(message, 2, this.arrived, 6);
    this.unackedBytes = 0;
    this.ports.transmit(message);
  }

  /** The next segment; a piece that does not fit is cut. */
  private cut(): Uint8Array {
    const bytes = Math.min(this.waitingBytes, this.limits.messageBytes - HEAD_BYTES);
    const segment = new Uint8Array(HEAD_BYTES + bytes);
    segment[0] = SEGMENT;
    writeUint(segment, 2, this.nextNumber++, 6);
    let at = HEAD_BYTES;
    let used = 0;
    while (at < segment.byteLength) {
      const piece = this.waiting[used] as Uint8Array;
      const room = segment.byteLength - at;
      if (piece.byteLength > room) {
        segment.set(piece.subarray(0, room), at);
        this.waiting[used] = piece.subarray(room);
        at += room;
      } else {
        segment.set(piece, at);
        at += piece.byteLength;
        used++;
      }
    }
    this.waiting.splice(0, used);
    this.waitingBytes -= bytes;
    return segment;
  }
}

/** Records out of a stream of pieces: in place when a record lies in one piece, put together otherwise. */
class Assembly {
  private pieces: Uint8Array[] = [];
  private bytes = 0;
  private wanted = LENGTH_BYTES;
  private inRecord = false;

  /** @returns false when the stream is none of ours */
  add(piece: Uint8Array, ports: LinkPorts): boolean {
    let rest = piece;
    while (this.bytes + rest.byteLength >= this.wanted) {
      const taken = this.wanted - this.bytes;
      const part = rest.subarray(0, taken);
      rest = rest.subarray(taken);
      const whole = this.pieces.length === 0 ? asBuffer(part) : Buffer.concat([...this.pieces, part]);
      this.pieces = [];
      this.bytes = 0;
      if (this.inRecord) {
        this.inRecord = false;
        this.wanted = LENGTH_BYTES;
        ports.record(whole);
      } else {
        this.wanted = whole.readUInt32BE(0);
        this.inRecord = true;
        if (this.wanted > MAX_RECORD_BYTES) return false;
      }
    }
    if (rest.byteLength > 0) {
      this.pieces.push(rest);
      this.bytes += rest.byteLength;
    }
    return true;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function writeUint(out: Uint8Array, at: number, value: number, bytes: number): void {
  asBuffer(out).writeUIntBE(value, at, bytes);
}

function readNumber(message: Uint8Array): number {
  return asBuffer(message).readUIntBE(2, 6);
}
