// A message that fills a packet, sent as the first one on a member whose packets are larger than every path is sure to carry: until the peer's receipt says
// that it came, nothing else is entrusted to that member. It counts as a message of its member, and nobody else gets to see it. Any thread.
//
//   'h' '1' 's' 'p' | zeros

/** @param bytes of the whole message, at least 4 */
export function encodePathProbe(bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  out.set([0x68, 0x31, 0x73, 0x70]);
  return out;
}

export function isPathProbe(message: Uint8Array): boolean {
  return message.length >= 4 && message[0] === 0x68 && message[1] === 0x31 && message[2] === 0x73 && message[3] === 0x70;
}
