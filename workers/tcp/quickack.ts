// Acknowledges small reads at once. An application that writes a length and then a body in two calls, without TCP_NODELAY, waits with the
// second until the first is acknowledged, which Linux puts off by 40 ms; only our end of its connection can help (workloads.md 3.5: 88 ms
// a round without, 0.1 ms with). Node has no call for it: the optional package koffi makes the system call. Linux; channel worker thread.
//
// The acknowledgement is a packet of its own, made and taken in within the call: sent after every read it cost an application that does not need it 7 %
// of a small round trip (docs/flame-graphs.md). So it is sent for connections that were seen to wait for it, and for no others.

import { cFunction } from '../c-library.js';

const IPPROTO_TCP = 6;
const TCP_QUICKACK = 12;
/** A loopback segment. A read as large as one was acknowledged by the kernel itself. */
const SEGMENT_BYTES = 65_483;

/** Sends the acknowledgement that the kernel holds back, if it does. @param bytes of the read just made on `fd` */
export type QuickAck = (fd: number, bytes: number) => void;

/** An application that waits for a delayed acknowledgement is silent for this long, ms: 40 at least, 200 at most, and some for a busy machine. */
const SHORTEST_STALL_MS = 35;
const LONGEST_STALL_MS = 250;
/** One silence may be the application's own. */
const STALLS = 2;

/** Watches one connection for the silences of an application that waits for our acknowledgement. */
export class AckWatch {
  #stalls = 0;
  /** When a small read ended that nothing was written after; -1 otherwise. */
  #smallReadMs = -1;

  /** @returns whether this read is to be acknowledged at once */
  read(bytes: number, nowMs: number): boolean {
    if (this.#stalls >= STALLS) return true;
    const silentMs = this.#smallReadMs < 0 ? 0 : nowMs - this.#smallReadMs;
    if (silentMs >= SHORTEST_STALL_MS && silentMs <= LONGEST_STALL_MS) this.#stalls += 1;
    this.#smallReadMs = bytes < SEGMENT_BYTES ? nowMs : -1;
    return this.#stalls >= STALLS;
  }

  /** Bytes went to the application, and the acknowledgement with them. */
  wrote(): void {
    this.#smallReadMs = -1;
  }
}

let loaded: { call: QuickAck | undefined } | undefined;

/** @returns undefined where there is no such call: not Linux, or koffi is not installed */
export function loadQuickAck(): QuickAck | undefined {
  loaded ??= { call: bind() };
  return loaded.call;
}

function bind(): QuickAck | undefined {
  const setsockopt = cFunction('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)');
  if (setsockopt === undefined) return undefined;
  const one = Buffer.from(Int32Array.of(1).buffer);
  // It is not a mode: the kernel goes back to delaying as soon as bytes went the other way. So once per read.
  return (fd, bytes) => {
    if (bytes < SEGMENT_BYTES) setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, one, 4);
  };
}
