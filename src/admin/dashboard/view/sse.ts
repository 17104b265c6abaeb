// Server-sent events out of a stream of text, cut anywhere (HTML standard, section 9.2.6). The browser's own EventSource cannot send the
// token in a header. Pure; runs in the browser.

export interface SentEvent {
  event: string;
  data: string;
}

/** A block that does not end within this is no event of ours, characters. */
const MAX_BLOCK = 8 * 1_048_576;

export class SentEvents {
  #waiting = '';

  /**
   * @param text the next part of the stream
   * @returns the events that are complete now
   * @throws RangeError when one would not end
   */
  take(text: string): SentEvent[] {
    this.#waiting += text;
    const blocks = this.#waiting.split('\n\n');
    this.#waiting = blocks.pop() as string;
    if (this.#waiting.length > MAX_BLOCK) throw new RangeError('an event that does not end');
    return blocks.flatMap(parsed);
  }
}

function parsed(block: string): SentEvent[] {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, '');
    if (line.startsWith('event:')) event = value;
    else if (line.startsWith('data:')) data.push(value);
  }
  return data.length === 0 ? [] : [{ event, data: data.join('\n') }];
}
