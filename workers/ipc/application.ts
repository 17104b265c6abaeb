// The one application that an IPC directory serves at a time (wire.md 6.2): connections behind it wait, unread, and take over in the order
// they came. Frames for it are written whole; one that the kernel had not taken completely when the application left goes to the next one
// again, from its first byte. Channel worker thread.

import type { Socket } from 'node:net';
import { FrameDecoder, type FrameView } from '../../native-free/hlnk/index.js';

export interface ApplicationEvents {
  /** A frame of the application. @returns false to stop reading until {@link Application.resume} */
  frame(view: FrameView): boolean;
  /** @param here an application is connected now, or none is */
  changed(here: boolean): void;
}

/** Whose frame it is, by which it is known when it comes again. */
export interface Origin {
  sender: string;
  run: string;
  number: number;
}

/** A frame on its way to the application. */
export interface Delivery {
  readonly bytes: Uint8Array;
  /** Undefined for what has no number (upstream's). */
  readonly origin: Origin | undefined;
  /** The kernel has it. */
  taken(): void;
}

export class Application {
  readonly #events: ApplicationEvents;
  readonly #waiting: Socket[] = [];
  /** Not taken by the kernel yet, oldest first; those before `#written` are with the socket. */
  readonly #deliveries: Delivery[] = [];
  #written = 0;
  #backlogBytes = 0;
  #socket: Socket | undefined;
  #decoder = new FrameDecoder();
  #stopped = false;
  #consent = false;
  #over = false;

  constructor(events: ApplicationEvents) {
    this.#events = events;
  }

  get here(): boolean {
    return this.#socket !== undefined;
  }
  /** Bytes that wait for the application. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** A connection came, paused. */
  offer(socket: Socket): void {
    socket.on('error', () => {});
    if (this.#over) socket.destroy();
    else {
      this.#waiting.push(socket);
      if (this.#socket === undefined) this.#next();
    }
  }

  /** Whether frames of peers may be written to the application; without it they wait (wire.md 6.4). */
  consent(given: boolean): void {
    this.#consent = given;
    this.#flush();
  }

  deliver(delivery: Delivery): void {
    this.#deliveries.push(delivery);
    this.#backlogBytes += delivery.bytes.length;
    this.#flush();
  }

  /** Goes on reading after `frame` said to stop. */
  resume(): void {
    if (!this.#stopped || this.#socket === undefined) return;
    this.#stopped = false;
    if (this.#take()) this.#socket.resume();
  }

  /** Closes every connection. @returns what no application has got */
  close(): Delivery[] {
    this.#over = true;
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    this.#socket?.destroy();
    this.#socket = undefined;
    return this.#deliveries.splice(0);
  }

  #next(): void {
    const socket = this.#waiting.shift();
    this.#socket = socket;
    this.#decoder = new FrameDecoder();
    this.#stopped = false;
    this.#written = 0;
    this.#events.changed(socket !== undefined);
    if (socket === undefined) return;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#read(socket, bytes));
    socket.on('close', () => {
      if (this.#socket === socket) this.#next();
    });
    this.#flush();
    socket.resume();
  }

  #read(socket: Socket, bytes: Buffer): void {
    if (this.#socket !== socket || this.#over) return;
    this.#decoder.push(bytes);
    if (!this.#take()) socket.pause();
  }

  /** Takes the frames that are there. @returns false when it was told to stop */
  #take(): boolean {
    for (let view = this.#decoder.next(); view !== undefined; view = this.#decoder.next()) {
      if (this.#events.frame(view)) continue;
      this.#stopped = true;
      return false;
    }
    return true;
  }

  #flush(): void {
    const socket = this.#socket;
    if (socket === undefined || !this.#consent) return;
    while (this.#written < this.#deliveries.length) {
      const { bytes } = this.#deliveries[this.#written] as Delivery;
      this.#written += 1;
      socket.write(bytes, (error) => {
        if (error === undefined || error === null) this.#taken(socket);
      });
    }
  }

  /** The oldest frame is with the kernel: writes complete in order. */
  #taken(socket: Socket): void {
    if (this.#socket !== socket) return;
    const delivery = this.#deliveries.shift();
    if (delivery === undefined) return;
    this.#written -= 1;
    this.#backlogBytes -= delivery.bytes.length;
    delivery.taken();
  }
}
