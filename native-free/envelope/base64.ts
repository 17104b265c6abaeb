// Standard base64 with padding (RFC 4648 §4), as Go writes `[]byte` into JSON. Any thread.
// Strict: any other letter, missing padding or stray bits is undefined, so that one payload has one spelling.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const PAD = 0x3d; // '='
const NOT_A_LETTER = 64;

const letterOf = new Uint8Array(64);
const sextetOf = new Uint8Array(128).fill(NOT_A_LETTER);
for (let i = 0; i < 64; i++) {
  letterOf[i] = ALPHABET.charCodeAt(i);
  sextetOf[ALPHABET.charCodeAt(i)] = i;
}

const ascii = new TextDecoder();

export function encodeBase64(bytes: Uint8Array): string {
  const letters = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  let out = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const word = (bytes[i]! << 16) | (left > 1 ? bytes[i + 1]! << 8 : 0) | (left > 2 ? bytes[i + 2]! : 0);
    letters[out++] = letterOf[word >>> 18]!;
    letters[out++] = letterOf[(word >>> 12) & 63]!;
    letters[out++] = left > 1 ? letterOf[(word >>> 6) & 63]! : PAD;
    letters[out++] = left > 2 ? letterOf[word & 63]! : PAD;
  }
  return ascii.decode(letters);
}

/** The bytes, or undefined when the text is not padded standard base64. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const letters = text.length;
  if (letters % 4 !== 0) return undefined;
  if (letters === 0) return new Uint8Array(0);
  const pads = text.charCodeAt(letters - 1) !== PAD ? 0 : text.charCodeAt(letters - 2) !== PAD ? 1 : 2;
  const bytes = new Uint8Array((letters / 4) * 3 - pads);
  let out = 0;
  for (let i = 0; i < letters; i += 4) {
    const inLast = i + 4 === letters ? 4 - pads : 4;
    let word = 0;
    for (let j = 0; j < 4; j++) {
      const unit = text.charCodeAt(i + j);
      const value = j < inLast ? (unit < 128 ? sextetOf[unit]! : NOT_A_LETTER) : 0;
      if (value === NOT_A_LETTER) return undefined;
      word = (word << 6) | value;
    }
    if (inLast === 3 && (word & 0xff) !== 0) return undefined;
    if (inLast === 2 && (word & 0xffff) !== 0) return undefined;
    bytes[out] = word >>> 16;
    if (inLast > 2) bytes[out + 1] = word >>> 8;
    if (inLast > 3) bytes[out + 2] = word;
    out += 3;
  }
  return bytes;
}
