// A terminal that is drawn over and over: the whole screen (given back as it was), or the same lines again below the prompt.
import { type Output, visibleLength } from './terminal.js';

export class Screen {
  readonly #out: Output;
  readonly #whole: boolean;
  #drawnRows = 0;

  /** @param whole use the terminal's second screen */
  constructor(out: Output, whole: boolean) {
    this.#out = out;
    this.#whole = whole;
    out.write(`${whole ? '\x1b[?1049h' : ''}\x1b[?25l`);
  }

  draw(lines: readonly string[]): void {
    const { columns = 80, rows = 24 } = this.#out;
    // What does not fit would scroll and leave old lines behind.
    const shown = lines.slice(0, rows - 1).map((line) => clip(line, columns - 1));
    const back = this.#whole ? '\x1b[H' : this.#drawnRows > 0 ? `\x1b[${this.#drawnRows}A` : '';
    this.#out.write(`${back}${shown.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
    this.#drawnRows = shown.length;
  }

  close(): void {
    this.#out.write(`\x1b[?25h${this.#whole ? '\x1b[?1049l' : ''}`);
  }
}

/** Cuts by what is seen; colours take no room. */
function clip(line: string, cells: number): string {
  if (visibleLength(line) <= cells) return line;
  let seen = 0;
  let out = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape that begins a colour
  for (const [part] of line.matchAll(/\x1b\[\d+m|./gsu)) {
    if (part.startsWith('\x1b')) out += part;
    else if (seen < cells) {
      out += part;
      seen += 1;
    }
  }
  return `${out}\x1b[0m`;
}
