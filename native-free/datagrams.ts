// Small frames beside a lane's data channel, as RTP packets of a media track of the same peer connection: the stack hands such a packet on from one thread
// to the next once, and what comes over the data channel twice, which is an eighth of a small round on one host. Between own peers that are near each other.
// The track loses packets; this does not: each is acknowledged by those of the other direction, and one that got lost goes over the data channel.
// Invariants: each frame is passed on exactly once; none overtakes a numbered frame on the data channel, so that only a lost one leaves a hole; no more than
// MOST_UNDERWAY are on the way; nothing goes this way before the peer has answered a probe quickly. No timer: `tick` is called TICK_MS after each
// `wake`. Single thread.
//
//   RTP packet (RFC 3550 5.1)   80 | M, type 111 | u16 number | u32 heard | u32 source | u32 messages | a frame, or nothing
//     number    counts every packet, so that none is encrypted like another one (RFC 3711 3.3.1)
//     heard     instead of a timestamp: u16 the highest number heard | u16 bit i: the number 1 + i below it was heard; if M is set. Otherwise
//               nothing is said, and the peer is to answer at once: a probe
//     messages  heard on the data channel since it opened, the low 32 bits
//   repair, on the data channel  'h' '1' 'd' 'r' | u64 number | the frame                                                           big-endian

export const RTP_TYPE = 111;
const VERSION_2 = 0x80;
const MARKER = 0x80;
const MESSAGES_AT = 12;
const HEAD_BYTES = 16;
const REPAIR_HEAD_BYTES = 12;
/** IPv6 and UDP heads, ours, and the SRTP tag, bytes. */
const PACKET_HEADS_BYTES = 40 + 8 + HEAD_BYTES + 16;
/** Larger frames have more to do than to change threads, bytes; a message of 1 KiB with its length and heads is not larger. */
const MOST_FRAME_BYTES = 1180;
/** Packets with frames under way at most: a round needs one. What carries a stream has a data channel, with its congestion control. */
const MOST_UNDERWAY = 4;
/**
 * From one look at what is owed and under way to the next, ms; none while nothing is. Always the same time, since each new one is a list of its own to Node:
 * a timer for the very moment, moved every few dozen rounds, took one per cent of a small round (perf/README.md, "Timers and clocks").
 */
export const TICK_MS = 20;
/** A packet with a frame is acknowledged by the next one there is, and by one of its own at the first look after this long, ms. */
const ACK_MS = 10;
/** …and is lost when so many later ones were heard, or after this long, ms: before the core reports a hole. */
const REORDERED = 3;
const LOST_MS = 100;
/** A look that is late by more says that the thread stood still, not that the peer is silent, ms. */
const HELD_UP_MS = 50;
/** A peer that takes longer to answer a probe is far, or busy: a change of threads is nothing there, and a loss more than elsewhere, ms. */
const NEAR_MS = 5;
/** After a loss, or a probe in vain, the next probe waits so long, ms; doubles with each, up to… */
const RETRY_MS = 100;
/** …this, or where there was an answer… */
const RETRY_MOST_MS = 60_000;
/** …this: whoever was busy may have been so just then, ms. */
const RETRY_SLOW_MS = 2000;
/** Losses are forgotten when all went well for this long, ms. */
const STEADY_MS = 10_000;
/** While frames go over the data channel, the peer is told after this long that its own have arrived, ms; doubles each time that brings nothing back, up to… */
const REPORT_MS = 5;
/** …this, ms. */
const REPORT_MOST_MS = 50;
/** An acknowledgement that the track refuses is tried so often once more: without it the peer takes what came for lost. */
const REFUSED_MOST = 3;
/** When the peer has heard none of so many packets in a row, this way does not work; numbers have 16 bits. */
const UNHEARD_MOST = 64;
/** Numbers of packets that did not come, as many as are remembered: more than UNHEARD_MOST, so that what is repaired is among them. */
const MISSING_KEPT = 256;

export interface DatagramPorts {
  /** Puts a packet on the track; the bytes are only valid during the call. @returns false when it takes none */
  packet(bytes: Uint8Array): boolean;
  /** Puts a message on the data channel. @returns whether it went there, and is counted */
  repair(message: Uint8Array): boolean;
  /** A frame has come. */
  frame(frame: Uint8Array): void;
  /** `tick` is to be called {@link TICK_MS} from now. Not said again before it was. */
  wake(): void;
}

interface Sent {
  number: number;
  /** Of which the packet is the beginning. */
  buffer: Uint8Array;
  packet: Uint8Array;
  atMs: number;
  /** Its time began anew, since the thread stood still: once. */
  excused: boolean;
}

export class Datagrams {
  readonly #ports: DatagramPorts;
  readonly #source: number;
  readonly #mostFrameBytes: number;
  readonly #underway: Sent[] = [];
  readonly #buffers: Uint8Array[] = [];
  readonly #received = new Received();
  #nextNumber = 0;
  /** As many were under way as may be: until none is, frames go over the data channel. */
  #draining = false;
  #usable = false;
  #usableSinceMs = 0;
  #probe: { number: number; atMs: number } | undefined;
  #retryAtMs = 0;
  #askAgainMs = RETRY_MS;
  #lossMs = RETRY_MS;
  /** Repaired lately: if one was heard after all, nothing was lost. */
  #repaired: number[] = [];
  // Of the data channel: messages sent, the last numbered one of them, and those that the peer is known to have heard.
  #sentMessages = 0;
  #lastNumbered = 0;
  #toldMessages = 0;
  #heardMessages = 0;
  /** The last numbered one of them. */
  #heardNumbered = 0;
  #reportedMessages = 0;
  #reportAtMs = 0;
  #reportAgainMs = REPORT_MS;
  /** Highest of our packets that the peer is known to have heard. */
  #toldHighest = -1;
  #refused = 0;
  #owedAtMs = Number.POSITIVE_INFINITY;
  /** When `tick` is to be called; Infinity when nothing waits for it. */
  #tickMs = Number.POSITIVE_INFINITY;
  #retired = false;

  /** @param source what the packets name as theirs, below 65536 @param mtu of the connection's packets, IP head included, bytes */
  constructor(source: number, mtu: number, ports: DatagramPorts) {
    this.#source = source;
    this.#mostFrameBytes = Math.min(MOST_FRAME_BYTES, mtu - PACKET_HEADS_BYTES);
    this.#ports = ports;
  }

  /** Whether frames may go this way now. */
  get usable(): boolean {
    return this.#usable;
  }

  /** The track and the data channel are open on this side. */
  begin(nowMs: number): void {
    if (this.#nextNumber === 0) this.#ask(nowMs);
  }

  /** @returns whether the frame goes this way; it was copied */
  offer(frame: Uint8Array, nowMs: number): boolean {
    if (frame.length > this.#mostFrameBytes || this.#retired) return false;
    if (!this.#usable) {
      if (nowMs >= this.#retryAtMs) this.#ask(nowMs);
      return false;
    }
    if (this.#draining || this.#toldMessages < this.#lastNumbered) {
      // The peer may be waiting for the same.
      if (this.#heardNumbered > this.#reportedMessages && nowMs >= this.#reportAtMs) {
        this.#reportAtMs = nowMs + this.#reportAgainMs;
        this.#reportAgainMs = Math.min(2 * this.#reportAgainMs, REPORT_MOST_MS);
        this.#say(nowMs);
      }
      return false;
    }
    const buffer = this.#buffers.pop() ?? new Uint8Array(HEAD_BYTES + this.#mostFrameBytes);
    buffer.set(frame, HEAD_BYTES);
    const sent: Sent = {
      number: this.#nextNumber,
      buffer,
      packet: buffer.subarray(0, HEAD_BYTES + frame.length),
      atMs: nowMs,
      excused: false,
    };
    if (!this.#send(sent.packet, nowMs)) return false;
    this.#underway.push(sent);
    this.#draining = this.#underway.length === MOST_UNDERWAY;
    this.#watch(nowMs);
    return true;
  }

  /** A message other than a repair went over the data channel. @param numbered it may not be overtaken */
  sentOnChannel(numbered: boolean): void {
    this.#sentMessages += 1;
    if (numbered) this.#lastNumbered = this.#sentMessages;
  }

  /** A message came on the data channel. @param numbered see {@link sentOnChannel} @returns whether it was a repair, and is dealt with */
  heardOnChannel(message: Uint8Array, numbered: boolean): boolean {
    this.#heardMessages += 1;
    if (numbered) this.#heardNumbered = this.#heardMessages;
    if (message.length < REPAIR_HEAD_BYTES || message[0] !== 0x68 || message[1] !== 0x31 || message[2] !== 0x64 || message[3] !== 0x72)
      return false;
    this.#heardNumbered = this.#heardMessages;
    const high = word(message, 4) * 0x1_0000 + word(message, 6);
    const number = high * 0x1_0000_0000 + word(message, 8) * 0x1_0000 + word(message, 10);
    if (high <= 0x1f_ffff && this.#received.repaired(number)) this.#ports.frame(message.subarray(REPAIR_HEAD_BYTES));
    return true;
  }

  /** A packet came on the track. */
  packet(bytes: Uint8Array, nowMs: number): void {
    if (bytes.length < HEAD_BYTES || bytes[0] !== VERSION_2 || ((bytes[1] as number) & ~MARKER) !== RTP_TYPE) return;
    const isNew = this.#received.packet(extended(word(bytes, 2), this.#received.highest));
    const messages = this.#sentMessages - ((this.#sentMessages - word(bytes, MESSAGES_AT) * 0x1_0000 - word(bytes, MESSAGES_AT + 2)) >>> 0);
    this.#toldMessages = Math.max(this.#toldMessages, messages);
    if (this.#toldMessages >= this.#lastNumbered) {
      this.#reportAgainMs = REPORT_MS;
      this.#reportAtMs = Math.min(this.#reportAtMs, nowMs + REPORT_MS);
    }
    if (((bytes[1] as number) & MARKER) === 0) {
      if (isNew) this.#say(nowMs);
    } else {
      this.#told(extended(word(bytes, 4), this.#nextNumber - 1), word(bytes, 6), nowMs);
      if (bytes.length > HEAD_BYTES && this.#owedAtMs === Number.POSITIVE_INFINITY) {
        this.#owedAtMs = nowMs + ACK_MS;
        this.#watch(nowMs);
      }
    }
    if (isNew && bytes.length > HEAD_BYTES) this.#ports.frame(bytes.subarray(HEAD_BYTES));
  }

  tick(nowMs: number): void {
    const late = nowMs - this.#tickMs > HELD_UP_MS;
    this.#tickMs = Number.POSITIVE_INFINITY;
    if (nowMs >= this.#owedAtMs) this.#say(nowMs);
    for (const sent of [...this.#underway]) {
      const agoMs = nowMs - sent.atMs;
      // What has come meanwhile is read after this. Once: a thread that is always late would never repair anything.
      if (late && !sent.excused && agoMs > LOST_MS / 2) {
        sent.excused = true;
        sent.atMs = nowMs - LOST_MS / 2;
      } else if (agoMs >= LOST_MS) this.#lost(sent, nowMs);
    }
    if (this.#underway.length > 0 || this.#owedAtMs !== Number.POSITIVE_INFINITY) this.#watch(nowMs);
  }

  /** From now on frames go over the data channel; what comes is still taken. */
  retire(): void {
    this.#retired = true;
  }

  /** The track is gone. */
  end(nowMs: number): void {
    this.#retired = true;
    for (const sent of [...this.#underway]) this.#lost(sent, nowMs);
    this.#owedAtMs = Number.POSITIVE_INFINITY;
  }

  /** @param packet with room for its head @param probing says nothing, and is to be answered */
  #send(packet: Uint8Array, nowMs: number, probing = false): boolean {
    const { highest, bits } = this.#received;
    const says = !probing && highest >= 0;
    packet[0] = VERSION_2;
    packet[1] = says ? RTP_TYPE | MARKER : RTP_TYPE;
    writeWord(packet, 2, this.#nextNumber);
    writeWord(packet, 4, says ? highest : 0);
    writeWord(packet, 6, says ? bits : 0);
    writeWord(packet, 8, 0);
    writeWord(packet, 10, this.#source);
    writeWord(packet, MESSAGES_AT, this.#heardMessages / 0x1_0000);
    writeWord(packet, MESSAGES_AT + 2, this.#heardMessages);
    // Also of a packet that is refused: it may have been encrypted.
    this.#nextNumber += 1;
    if (!this.#ports.packet(packet)) {
      this.#leave(nowMs);
      return false;
    }
    this.#reportedMessages = this.#heardMessages;
    this.#refused = 0;
    if (says) this.#owedAtMs = Number.POSITIVE_INFINITY;
    if (this.#nextNumber - this.#toldHighest > UNHEARD_MOST) this.#leave(nowMs);
    return true;
  }

  /** What was heard, in a packet of its own. */
  #say(nowMs: number): void {
    this.#owedAtMs = Number.POSITIVE_INFINITY;
    if (this.#send(new Uint8Array(HEAD_BYTES), nowMs) || this.#refused >= REFUSED_MOST) return;
    this.#refused += 1;
    this.#owedAtMs = nowMs + ACK_MS;
    this.#watch(nowMs);
  }

  #ask(nowMs: number): void {
    this.#probe = { number: this.#nextNumber, atMs: nowMs };
    this.#retryAtMs = nowMs + this.#askAgainMs;
    this.#askAgainMs = Math.min(2 * this.#askAgainMs, RETRY_MOST_MS);
    if (!this.#send(new Uint8Array(HEAD_BYTES), nowMs, true)) this.#probe = undefined;
  }

  /** The peer says what it heard. */
  #told(highest: number, bits: number, nowMs: number): void {
    // Of what was never sent.
    if (highest >= this.#nextNumber) return;
    this.#toldHighest = Math.max(this.#toldHighest, highest);
    const heard = (number: number): boolean => {
      const below = highest - number;
      return below === 0 || (below > 0 && below <= 16 && (bits & (1 << (below - 1))) !== 0);
    };
    if (this.#probe !== undefined && highest >= this.#probe.number) this.#answered(this.#probe.atMs, nowMs);
    for (let i = 0; i < this.#underway.length; ) {
      const sent = this.#underway[i] as Sent;
      if (heard(sent.number)) this.#gone(sent);
      else if (highest - sent.number > REORDERED) this.#lost(sent, nowMs);
      else i += 1;
    }
    if (this.#repaired.some(heard)) {
      // It was slow.
      this.#repaired = [];
      this.#lossMs = RETRY_MS;
      this.#retryAtMs = Math.min(this.#retryAtMs, nowMs + RETRY_MS);
    }
  }

  #answered(askedMs: number, nowMs: number): void {
    this.#probe = undefined;
    this.#usable = nowMs - askedMs <= NEAR_MS;
    this.#usableSinceMs = nowMs;
    this.#askAgainMs = this.#usable ? RETRY_MS : Math.min(this.#askAgainMs, RETRY_SLOW_MS);
  }

  #lost(sent: Sent, nowMs: number): void {
    const message = new Uint8Array(REPAIR_HEAD_BYTES + sent.packet.length - HEAD_BYTES);
    const high = Math.floor(sent.number / 0x1_0000_0000);
    message.set([0x68, 0x31, 0x64, 0x72]);
    writeWord(message, 4, high / 0x1_0000);
    writeWord(message, 6, high);
    writeWord(message, 8, sent.number / 0x1_0000);
    writeWord(message, 10, sent.number);
    message.set(sent.packet.subarray(HEAD_BYTES), REPAIR_HEAD_BYTES);
    this.#gone(sent);
    this.#repaired = [...this.#repaired, sent.number].slice(-MOST_UNDERWAY);
    this.#leave(nowMs);
    if (this.#ports.repair(message)) this.sentOnChannel(true);
  }

  /** For a while frames go over the data channel. */
  #leave(nowMs: number): void {
    if (!this.#usable) return;
    this.#usable = false;
    if (nowMs - this.#usableSinceMs >= STEADY_MS) this.#lossMs = RETRY_MS;
    this.#retryAtMs = nowMs + this.#lossMs;
    this.#lossMs = Math.min(2 * this.#lossMs, RETRY_MOST_MS);
  }

  #gone(sent: Sent): void {
    this.#underway.splice(this.#underway.indexOf(sent), 1);
    this.#buffers.push(sent.buffer);
    if (this.#underway.length === 0) this.#draining = false;
  }

  #watch(nowMs: number): void {
    if (this.#tickMs !== Number.POSITIVE_INFINITY) return;
    this.#tickMs = nowMs + TICK_MS;
    this.#ports.wake();
  }
}

/** Which numbers have come. */
class Received {
  highest = -1;
  /** Of the 16 numbers below it, those that came as packets. */
  bits = 0;
  readonly #missing = new Set<number>();
  /** Came as repairs, and their packets may still come. */
  readonly #ahead = new Set<number>();

  /** @returns whether it is to be passed on */
  packet(number: number): boolean {
    const ahead = number - this.highest;
    if (ahead <= 0) {
      if (ahead < 0 && ahead >= -16) this.bits |= 1 << (-ahead - 1);
      return this.#missing.delete(number);
    }
    this.bits = ahead > 16 ? 0 : ((this.bits << ahead) | (1 << (ahead - 1))) & 0xffff;
    if (ahead > MISSING_KEPT) {
      this.#missing.clear();
      for (const one of this.#ahead) if (one < number - MISSING_KEPT) this.#ahead.delete(one);
    }
    for (let one = Math.max(this.highest + 1, number - MISSING_KEPT); one < number; one += 1) {
      if (!this.#ahead.delete(one)) keep(this.#missing, one);
    }
    this.highest = number;
    return !this.#ahead.delete(number);
  }

  /** The data channel loses nothing: however far ahead of the packets, it is what the peer sent. @returns whether it is to be passed on */
  repaired(number: number): boolean {
    if (number <= this.highest) return this.#missing.delete(number);
    if (this.#ahead.has(number)) return false;
    keep(this.#ahead, number);
    return true;
  }
}

/** Adds to a set that forgets its oldest. */
function keep(numbers: Set<number>, one: number): void {
  numbers.add(one);
  if (numbers.size <= MISSING_KEPT) return;
  for (const oldest of numbers) {
    numbers.delete(oldest);
    return;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** The low 16 bits of a number's whole part. */
function writeWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = (value >>> 8) & 0xff;
  bytes[at + 1] = value & 0xff;
}

/** The number with these low 16 bits that is nearest to `near`. */
function extended(low: number, near: number): number {
  return near + (((low - near) << 16) >> 16);
}
