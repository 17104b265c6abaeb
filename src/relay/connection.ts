// One WebSocket client: who it is, which encoding it reads, and its end of the flow control (wire §1.2, §1.5).
// Invariant: everything sent goes through the flow end, in order; messages are handed on in the order they came (upstream's workers reorder
// them, defect S1).
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { encodeEnvelope, type Message } from '../../native-free/envelope/index.js';
import type { RelayCounters } from './counters.js';
import { FlowEnd } from './flow.js';
import type { RelayLimits } from './options.js';
import type { Cause, OutputFormat, Recipient } from './recipient.js';

export interface ConnectionEvents {
  readonly onFrame: (from: Connection, frame: Buffer, isBinary: boolean) => void;
  readonly onClose: (connection: Connection) => void;
}

/** Answers to pings are not queued behind data; a client that pings and never reads gets no more of them past this. */
const MAX_PONG_BACKLOG_BYTES = 1024 * 1024;
/** A peer that vanished without a word is found by the kernel after this long plus its probes. */
const KEEP_ALIVE_MS = 30_000;

export class Connection implements Recipient {
  readonly id: number;
  readonly user: string;
  readonly format: OutputFormat;
  readonly flow: FlowEnd;
  /** Resolves when the connection has ended and everybody was told. */
  readonly gone: Promise<void>;
  private readonly socket: WebSocket;
  private readonly counters: RelayCounters;

  constructor(
    id: number,
    user: string,
    format: OutputFormat,
    socket: WebSocket,
    tcp: Socket,
    limits: RelayLimits,
    counters: RelayCounters,
    events: ConnectionEvents,
  ) {
    this.id = id;
    this.user = user;
    this.format = format;
    this.socket = socket;
    this.counters = counters;
    tcp.setNoDelay(true);
    tcp.setKeepAlive(true, KEEP_ALIVE_MS);
    this.flow = new FlowEnd(
      {
        send: (frame, done) => socket.send(frame, { binary: typeof frame !== 'string', compress: false }, done),
        pause: () => socket.pause(),
        resume: () => socket.resume(),
      },
      limits,
      () => counters.pauses++,
    );
    socket.on('message', (data: Buffer, isBinary) => events.onFrame(this, data, isBinary));
    socket.on('ping', (data: Buffer) => {
      if (socket.bufferedAmount < MAX_PONG_BACKLOG_BYTES) socket.pong(data);
    });
    // A protocol error or an oversized message: ws has already sent the close code, and 'close' follows.
    socket.on('error', () => {});
    this.gone = new Promise((resolve) => {
      socket.on('close', () => {
        this.flow.close();
        events.onClose(this);
        resolve();
      });
    });
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

  /** Say good-bye and let what is queued in the kernel go out; a paused reader is woken so that it can answer. */
  close(code: number, reason: string): void {
    this.flow.close();
    this.socket.resume();
    this.socket.close(code, reason);
  }

  /** Cut it off. */
  terminate(): void {
    this.flow.close();
    this.socket.terminate();
  }
}
