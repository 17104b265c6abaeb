// One WebSocket client: who it is, which encoding it reads, how fast it may send, whether it is alive, and its end of the flow control
// (wire §1.2, §1.5).
// Invariant: everything sent goes through the flow end, in order; messages are handed on in the order they came (upstream's workers reorder
// them, defect S1).
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { encodeEnvelope, type Message } from '../../native-free/envelope/index.js';
import type { RelayCounters } from './counters.js';
import { FlowEnd } from './flow.js';
import type { RelayLimits } from './limits.js';
import type { UserRate } from './rate.js';
import type { Cause, OutputFormat, Recipient } from './recipient.js';
import { Silence } from './silence.js';

export interface ConnectionEvents {
  readonly onFrame: (from: Connection, frame: Buffer, isBinary: boolean) => void;
  /** It has wanted more than it may for too long. */
  readonly onAbuse: (connection: Connection) => void;
  /** Once, when it takes part no longer; its socket may last a moment longer. */
  readonly onClose: (connection: Connection) => void;
}

export interface ConnectionFacts {
  readonly id: number;
  readonly user: string;
  /** From where it comes, behind trusted proxies. */
  readonly address: string;
  readonly format: OutputFormat;
  /** When what it showed ceases to be good, Unix ms. */
  readonly expiresAtMs?: number;
  /** Whether it is good still, asked when secrets or tokens have changed. */
  readonly isGood?: () => boolean | Promise<boolean>;
}

const BINARY = { binary: true, compress: false };
const TEXT = { binary: false, compress: false };
/** Answers to pings are not queued behind data; a client that pings and never reads gets no more of them past this. */
const MAX_PONG_BACKLOG_BYTES = 1024 * 1024;
/** Of a ping or a pong of a client, in front of what is in it: two bytes and the mask. */
const CONTROL_HEAD_BYTES = 6;
/** How long a client may take to answer the close frame before it is cut off. */
export const CLOSE_GRACE_MS = 500;

export class Connection implements Recipient {
  readonly id: number;
  readonly user: string;
  readonly format: OutputFormat;
  readonly facts: ConnectionFacts;
  readonly flow: FlowEnd;
  /** Resolves when the connection has ended and everybody was told. */
  readonly gone: Promise<void>;
  private readonly socket: WebSocket;
  private readonly tcp: Socket;
  /** Bytes that had come when the last message was complete, and those of the pings and pongs since: they may come inside a message. */
  private completeAtBytes: number;
  private readonly counters: RelayCounters;
  private readonly rate: UserRate;
  private readonly silence: Silence;
  private readonly onClose: ConnectionEvents['onClose'];
  /** Why it is not read: a recipient is full, it has sent too much, the relay is being drained. */
  private readonly holds = new Set<'flow' | 'rate' | 'drain'>();
  private rest: NodeJS.Timeout | undefined;
  private cutOff: NodeJS.Timeout | undefined;
  private closing = false;

  constructor(
    facts: ConnectionFacts,
    socket: WebSocket,
    tcp: Socket,
    limits: RelayLimits,
    rate: UserRate,
    counters: RelayCounters,
    events: ConnectionEvents,
  ) {
    this.id = facts.id;
    this.user = facts.user;
    this.format = facts.format;
    this.facts = facts;
    this.socket = socket;
    this.tcp = tcp;
    this.completeAtBytes = tcp.bytesRead;
    this.counters = counters;
    this.rate = rate;
    this.silence = new Silence(limits, performance.now());
    this.onClose = events.onClose;
    tcp.setNoDelay(true);
    this.flow = new FlowEnd(
      {
        send: (frame, done) => socket.send(frame, typeof frame === 'string' ? TEXT : BINARY, done),
        pause: () => this.hold('flow'),
        resume: () => this.release('flow'),
      },
      limits,
      () => counters.pauses++,
    );
    socket.on('message', (data: Buffer, isBinary) => {
      this.completeAtBytes = tcp.bytesRead;
      if (this.closing || !this.allows(data.length, events)) return;
      events.onFrame(this, data, isBinary);
    });
    socket.on('ping', (data: Buffer) => {
      this.completeAtBytes += CONTROL_HEAD_BYTES + data.length;
      if (this.closing || !this.allows(0, events)) return;
      if (socket.bufferedAmount < MAX_PONG_BACKLOG_BYTES) socket.pong(data);
    });
    socket.on('pong', (data: Buffer) => {
      this.completeAtBytes += CONTROL_HEAD_BYTES + data.length;
      this.silence.heard(performance.now());
    });
    // A protocol error or an oversized message: ws has already sent the close code, and 'close' follows.
    socket.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') counters.messagesTooLarge++;
      else if (error.code === 'WS_ERR_TOO_MANY_BUFFERED_PARTS') counters.messagesTooFragmented++;
      else if (error.code?.startsWith('WS_ERR')) counters.protocolErrors++;
    });
    this.gone = new Promise((resolve) => {
      socket.on('close', () => {
        clearTimeout(this.rest);
        clearTimeout(this.cutOff);
        this.leave();
        resolve();
      });
    });
  }

  /** What is held for it: what waits to be sent, and what has come of a message that is not complete. */
  get heldBytes(): number {
    return this.flow.bufferedBytes + this.tcp.bytesRead - this.completeAtBytes;
  }

  /** True while it is not read because it has sent too much. */
  get isThrottled(): boolean {
    return this.holds.has('rate');
  }

  /**
   * Send a message.
   * @param cause whose message led to it; that one is stopped if this client does not keep up
   */
  deliver(id: string, message: Message, cause: Cause): void {
    this.deliverFrame(encodeEnvelope(id, message, this.format), cause);
  }

  /** Send an envelope that is in this client's format already. */
  deliverFrame(frame: Uint8Array | string, cause: Cause): void {
    this.counters.messagesOut++;
    this.counters.bytesOut += frame.length;
    this.flow.deliver(frame, cause.flow);
  }

  /**
   * See to it that the other end is there. To be asked now and then.
   * @returns false when it has been silent for too long
   */
  isAlive(nowMs: number): boolean {
    // What we do not read cannot be heard. While bytes wait, progress is what counts (see FlowEnd.isStuck).
    if (this.holds.size > 0 || this.flow.bufferedBytes > 0) this.silence.heard(nowMs);
    const verdict = this.silence.look(nowMs);
    if (verdict === 'ask') this.socket.ping();
    return verdict !== 'dead';
  }

  /** Read no more: what comes from now on is left to the connection that follows. */
  stopReading(): void {
    this.hold('drain');
  }

  /** Say good-bye with a reason, behind what is in the socket already. A client that does not answer is cut off. */
  close(code: number, reason: string): void {
    if (this.closing) return;
    this.leave();
    this.socket.close(code, reason);
    // A paused reader is woken so that the answer can be seen.
    this.socket.resume();
    this.cutOff = setTimeout(() => this.socket.terminate(), CLOSE_GRACE_MS);
  }

  /** Cut it off. */
  terminate(): void {
    this.leave();
    this.socket.terminate();
  }

  private leave(): void {
    if (this.closing) return;
    this.closing = true;
    this.flow.close();
    this.onClose(this);
  }

  /** Count one message; stop reading when that was too much. @returns false when it is not to be dealt with any more */
  private allows(bytes: number, events: ConnectionEvents): boolean {
    const nowMs = performance.now();
    this.silence.heard(nowMs);
    const waitMs = this.rate.take(1, bytes, nowMs);
    if (waitMs === 0) return true;
    if (waitMs === 'abuse') {
      events.onAbuse(this);
      return false;
    }
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.release('rate'), waitMs);
    if (!this.holds.has('rate')) this.counters.throttled++;
    this.hold('rate');
    return true;
  }

  private hold(why: 'flow' | 'rate' | 'drain'): void {
    this.holds.add(why);
    if (this.holds.size === 1 && !this.closing) this.socket.pause();
  }

  private release(why: 'flow' | 'rate' | 'drain'): void {
    if (!this.holds.delete(why) || this.holds.size > 0 || this.closing) return;
    this.silence.heard(performance.now());
    this.socket.resume();
  }
}
