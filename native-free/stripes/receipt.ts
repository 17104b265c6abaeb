// The one message that a striped lane adds to its members: how many messages of the other side have arrived on each member since it opened. The numbers
// are absolute and of all members, so one that comes late or twice does no harm, and one that waits for its member's own repair is overtaken by the
// next, on another member. Sent only to own peers that said they stripe; its first bytes are no frame's. Any thread.
//
//   'h' '1' 's' 'r' | u32 n | n x ( u32 member | u64 messages )      big-endian

const HEAD_BYTES = 8;
const ENTRY_BYTES = 12;
const HIGH = 0x1_0000_0000;
/** More than any lane has members. */
const MOST_ENTRIES = 256;

export interface ReceiptEntry {
  /** Both ends call a member by the same number. */
  readonly id: number;
  /** 0…2^53-1. */
  readonly heardMessages: number;
}

export function encodeReceipt(entries: readonly ReceiptEntry[]): Uint8Array {
  const out = new Uint8Array(HEAD_BYTES + entries.length * ENTRY_BYTES);
  const view = new DataView(out.buffer);
  out.set([0x68, 0x31, 0x73, 0x72]);
  view.setUint32(4, entries.length);
  entries.forEach(({ id, heardMessages }, i) => {
    const at = HEAD_BYTES + i * ENTRY_BYTES;
    view.setUint32(at, id);
    view.setUint32(at + 4, Math.floor(heardMessages / HIGH));
    view.setUint32(at + 8, heardMessages >>> 0);
  });
  return out;
}

/** @param entry called for each member @returns whether the message is a receipt; one that is cut short says nothing */
export function readReceipt(message: Uint8Array, entry: (id: number, messages: number) => void): boolean {
  if (message.length < HEAD_BYTES || message[0] !== 0x68 || message[1] !== 0x31 || message[2] !== 0x73 || message[3] !== 0x72) return false;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const count = view.getUint32(4);
  if (count > MOST_ENTRIES || message.length !== HEAD_BYTES + count * ENTRY_BYTES) return true;
  for (let i = 0; i < count; i += 1) {
    const at = HEAD_BYTES + i * ENTRY_BYTES;
    const high = view.getUint32(at + 4);
    if (high <= 0x1f_ffff) entry(view.getUint32(at), high * HIGH + view.getUint32(at + 8));
  }
  return true;
}
