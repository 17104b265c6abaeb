// Looks at a JSON text before it is parsed: how deep it is nested and how many values it holds. The parser takes any text, and a few megabytes of brackets,
// which anybody may send, keep it busy for seconds. What stands in strings costs nothing, however long. Any thread.

/** An envelope is three deep; what is kept as it came (an ACL manifest) a few more. */
const MAX_DEPTH = 64;
/** Separators and openings: some ten milliseconds of parsing. The largest honest message is an ACL manifest of a few thousand entries. */
const MAX_VALUES = 65_536;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** @returns false for a text that is not worth parsing; true says nothing about whether it is JSON */
export function isModestJson(text: string): boolean {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = stringEnd(text, at);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        values += 1;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      case 0x2c: // ,
        values += 1;
        break;
    }
    if (depth > MAX_DEPTH || values > MAX_VALUES) return false;
  }
  return true;
}

/** Where the string that begins at `start` ends; the text's end for one that does not. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return at;
  }
  return text.length;
}
