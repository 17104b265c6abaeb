// UTF-8 both ways for the envelope codec. Decoding is strict: text that is not UTF-8 is a bad field, never a guess. Any thread.

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Up to here a loop over ASCII beats the call into the platform's codec; ids, sids and paths are all shorter. */
const SHORT_BYTES = 64;

/** How many bytes a string takes as UTF-8. A lone surrogate counts as the U+FFFD it is written as. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++; // a pair: 4 bytes for 2 units
  }
  return bytes;
}

/** Writes a string at an offset and returns the offset behind it. The room is the caller's business ({@link utf8Bytes}). */
export function writeUtf8(out: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return at + i + encoder.encodeInto(text.slice(i), out.subarray(at + i)).written;
    out[at + i] = unit;
  }
  return at + text.length;
}

export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** The text in a range of bytes, or undefined when it is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array, start: number, lengthBytes: number): string | undefined {
  if (lengthBytes <= SHORT_BYTES && isAscii(bytes, start, lengthBytes)) {
    let text = '';
    for (let i = start; i < start + lengthBytes; i++) text += String.fromCharCode(bytes[i]!);
    return text;
  }
  const range = bytes.subarray(start, start + lengthBytes);
  try {
    // TextDecoder refuses shared memory, so that is copied.
    return decoder.decode(bytes.buffer instanceof ArrayBuffer ? range : new Uint8Array(range));
  } catch {
    return undefined;
  }
}

/** Whether a range is text at all, without making a string of it when it is ASCII. */
export function isUtf8(bytes: Uint8Array, start: number, lengthBytes: number): boolean {
  return isAscii(bytes, start, lengthBytes) || decodeUtf8(bytes, start, lengthBytes) !== undefined;
}

function isAscii(bytes: Uint8Array, start: number, lengthBytes: number): boolean {
  for (let i = start; i < start + lengthBytes; i++) if (bytes[i]! >= 0x80) return false;
  return true;
}
