// What happened lately, newest first and bounded, and how one line of it reads. Pure; runs in the browser.
import type { Tone } from './tone.js';

/** An event as `/events` sends it: of this version, or another. */
export interface Happening {
  id: number;
  /** Unix ms. */
  atMs: number;
  what: string;
  fields: Record<string, unknown>;
}

/** As many as the daemon keeps itself. */
const KEPT = 256;
const TROUBLE = /failed|refused|rejected|lost|died|down|cannot/;

export interface HappeningView {
  id: number;
  /** Local time, `14:03:07`. */
  clock: string;
  what: string;
  detail: string;
  tone: Tone;
}

export class Happenings {
  #newest: HappeningView[] = [];

  /** Takes one in; what came before, again, changes nothing. */
  add(event: Happening): void {
    if ((this.#newest[0]?.id ?? 0) >= event.id) return;
    this.#newest = [happeningView(event), ...this.#newest.slice(0, KEPT - 1)];
  }

  /** @param words what to look for, in any case; empty: everything */
  matching(words: string): readonly HappeningView[] {
    const wanted = words.trim().toLowerCase();
    if (wanted === '') return this.#newest;
    return this.#newest.filter(({ what, detail, clock }) => `${clock} ${what} ${detail}`.toLowerCase().includes(wanted));
  }

  clear(): void {
    this.#newest = [];
  }
}

export function happeningView({ id, atMs, what, fields }: Happening): HappeningView {
  const detail = Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' ');
  const at = new Date(atMs);
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
  return { id, clock, what, detail, tone: TROUBLE.test(what) ? 'fair' : 'quiet' };
}
