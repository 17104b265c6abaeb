// What a daemon answered, made fit for a terminal: names and reasons in it come from peers, and one that holds escape sequences would
// otherwise move the cursor, retitle the window or hide a line of whoever runs `status`. Pure.

const LINE_ENDS = /[\n\r\t\u2028\u2029]+/g;
/** Control characters, and those that turn the direction of what follows. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}]/gu;

export function printable(text: string): string {
  return text.replace(LINE_ENDS, ' ').replace(UNPRINTABLE, '?');
}

/** JSON whose every text is printable. @throws SyntaxError */
export function parsePrintable<T>(json: string): T {
  return JSON.parse(json, (_key, value: unknown) => (typeof value === 'string' ? printable(value) : value)) as T;
}
