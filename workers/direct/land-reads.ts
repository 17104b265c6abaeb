// Lets a connected TLS socket put what it decrypts where we want it, as `onread` does for a socket one dials. Node takes that option for
// neither end of an established connection, so its three slots for it are found by their names on a socket that was made with it. Where
// they are not found (another Node), the caller reads by events instead: slower by an allocation per 16 KiB record, and right all the same.

import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

interface Slots {
  buffer: symbol;
  landed: symbol;
  next: symbol;
}
interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
}

/**
 * @param space where the next bytes go; asked after each read
 * @param landed bytes were put there; false stops reading
 * @returns false when this Node does not offer it: nothing was changed
 */
export function landReads(socket: TLSSocket, space: () => Uint8Array, landed: (bytes: number) => boolean): boolean {
  const handle = (socket as unknown as { _handle?: Handle | null })._handle;
  if (SLOTS === undefined || typeof handle?.useUserBuffer !== 'function') return false;
  const buffer = space();
  Object.assign(socket, { [SLOTS.buffer]: buffer, [SLOTS.landed]: landed, [SLOTS.next]: space });
  handle.useUserBuffer(buffer);
  // Starts reading if the stream's own buffer was full.
  socket.read(0);
  return true;
}

const SLOTS = findSlots();

function findSlots(): Slots | undefined {
  const probe = new Uint8Array(1);
  const landed = (): boolean => true;
  const next = (): Uint8Array => probe;
  // A socket keeps a buffer in one slot, a function that gives buffers in another.
  const buffer = slotOf({ buffer: probe, callback: landed }, 'kBuffer', probe);
  const callback = slotOf({ buffer: probe, callback: landed }, 'kBufferCb', landed);
  const generate = slotOf({ buffer: next, callback: landed }, 'kBufferGen', next);
  return buffer === undefined || callback === undefined || generate === undefined
    ? undefined
    : { buffer, landed: callback, next: generate };
}

function slotOf(onread: object, name: string, value: unknown): symbol | undefined {
  // The types do not know the option.
  const options: object = { onread };
  const socket = new Socket(options);
  const slot = Object.getOwnPropertySymbols(socket).find(
    (symbol) => symbol.description === name && (socket as unknown as Record<symbol, unknown>)[symbol] === value,
  );
  socket.destroy();
  return slot;
}
