// What carries messages between processes: NATS (nats.ts), or in tests something that loses them on purpose.
// Invariant: what arrives from one sender arrives in the order sent; it may be lost, and is never changed.

export interface Carrier {
  /** Largest message in bytes. */
  readonly messageBytes: number;
  /** Whether messages go anywhere just now. */
  readonly isUp: boolean;
  /** Receive from here on; what `handler` does must not throw. May be called again with another id. */
  join(self: string, handler: CarrierHandler): void;
  /** To everybody, the sender included. */
  announce(message: Uint8Array): void;
  /** To one process. */
  send(to: string, from: string, message: Uint8Array): void;
  close(): Promise<void>;
}

export interface CarrierHandler {
  announced(message: Uint8Array): void;
  received(from: string, message: Uint8Array): void;
  /** The carrier is back after it was gone; what was sent meanwhile is lost. */
  restored(): void;
}
