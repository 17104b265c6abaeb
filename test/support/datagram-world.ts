// Two ends of the datagrams' rules and a track between them that loses, doubles and swaps, on a clock of its own; and packets that no honest end would send.
import { Datagrams, RTP_TYPE, TICK_MS } from '../../native-free/datagrams.js';

interface Packet {
  to: number;
  bytes: Uint8Array;
  atMs: number;
  /** On the data channel, which loses and swaps nothing. */
  channel: boolean;
}

interface Fate {
  /** Of one packet: at which delays, ms, it arrives; none: lost. */
  delays: (from: number, packet: Uint8Array) => number[];
}

/** Two ends and what is between them, on a clock of their own. */
export class World {
  nowMs = 1000;
  readonly ends: Datagrams[];
  /** Frames, as text, as they came. */
  readonly came: string[][] = [[], []];
  readonly repairs = [0, 0];
  readonly packets: Uint8Array[][] = [[], []];
  readonly #way: Packet[] = [];
  readonly #wakes = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  /** What an end does with a frame. */
  answer: (end: number, frame: string) => void = () => {};
  fate: Fate['delays'] = () => [0.1];
  channelMs = 0.3;
  takes = true;

  constructor(mtu = 1280) {
    this.ends = [0, 1].map(
      (end) =>
        new Datagrams(end + 1, mtu, {
          packet: (bytes) => {
            if (!this.takes) return false;
            this.packets[end]?.push(bytes.slice());
            for (const delay of this.fate(end, bytes)) this.#push(1 - end, bytes.slice(), delay, false);
            return true;
          },
          repair: (message) => {
            this.repairs[end] = (this.repairs[end] as number) + 1;
            this.#push(1 - end, message, this.channelMs, true);
            return true;
          },
          frame: (frame) => {
            const text = new TextDecoder().decode(frame);
            this.came[end]?.push(text);
            this.answer(end, text);
          },
          wake: () => {
            if (this.#wakes[end] !== Number.POSITIVE_INFINITY) throw new Error('woken twice for one look');
            this.#wakes[end] = this.nowMs + TICK_MS;
          },
        }),
    );
  }

  get near(): Datagrams {
    return this.ends[0] as Datagrams;
  }
  get far(): Datagrams {
    return this.ends[1] as Datagrams;
  }

  begin(): void {
    for (const end of this.ends) end.begin(this.nowMs);
    this.run(10);
  }

  offer(end: number, text: string): boolean {
    return (this.ends[end] as Datagrams).offer(new TextEncoder().encode(text), this.nowMs);
  }

  /** As a lane does it. @returns whether it went beside the data channel */
  send(end: number, text: string): boolean {
    if (this.offer(end, text)) return true;
    this.#overChannel(end, new TextEncoder().encode(text));
    return false;
  }

  /** A control frame: empty, on the data channel, without a number. */
  control(end: number): void {
    this.#push(1 - end, new Uint8Array(0), this.channelMs, true);
    this.ends[end]?.sentOnChannel(false);
  }

  #overChannel(end: number, message: Uint8Array): void {
    this.#push(1 - end, message, this.channelMs, true);
    this.ends[end]?.sentOnChannel(true);
  }

  /** Lets time pass. @returns how often an end was woken */
  run(ms: number, heldUpMs = 0): number {
    const untilMs = this.nowMs + ms;
    let woken = 0;
    for (;;) {
      const [next] = this.#way.sort((a, b) => a.atMs - b.atMs);
      const wakeMs = Math.min(...this.#wakes) + heldUpMs;
      const atMs = Math.min(next?.atMs ?? Number.POSITIVE_INFINITY, wakeMs);
      if (atMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, atMs);
      if (next !== undefined && next.atMs <= wakeMs) {
        this.#way.shift();
        const end = this.ends[next.to] as Datagrams;
        if (!next.channel) end.packet(next.bytes, this.nowMs);
        else if (!end.heardOnChannel(next.bytes, isNumbered(next.bytes)) && next.bytes.length > 0) {
          const text = new TextDecoder().decode(next.bytes);
          this.came[next.to]?.push(text);
          this.answer(next.to, text);
        }
        continue;
      }
      const due = this.#wakes.indexOf(wakeMs - heldUpMs);
      this.#wakes[due] = Number.POSITIVE_INFINITY;
      this.ends[due]?.tick(this.nowMs);
      woken += 1;
    }
    this.nowMs = untilMs;
    return woken;
  }

  #push(to: number, bytes: Uint8Array, delay: number, channel: boolean): void {
    this.#way.push({ to, bytes, atMs: this.nowMs + delay, channel });
  }
}

/** Control frames are empty here; a repair is not known for one by whoever only looks for a number. */
const isNumbered = (message: Uint8Array): boolean => message.length > 0 && !new TextDecoder().decode(message).startsWith('h1dr');

export const begun = (): World => {
  const world = new World();
  world.begin();
  return world;
};

interface Words {
  version?: number;
  marked?: boolean;
  heard?: number;
  bits?: number;
  messages?: number;
  frame?: string;
}

/** A packet as no honest peer would send it, or not just then. */
export function packet(
  number: number,
  { version = 0x80, marked = false, heard = 0, bits = 0, messages = 0, frame = '' }: Words = {},
): Uint8Array {
  const bytes = new Uint8Array(16 + frame.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, version);
  view.setUint8(1, RTP_TYPE | (marked ? 0x80 : 0));
  view.setUint16(2, number);
  view.setUint16(4, heard);
  view.setUint16(6, bits);
  view.setUint32(12, messages);
  bytes.set(new TextEncoder().encode(frame), 16);
  return bytes;
}

export function repair(number: bigint, frame: string): Uint8Array {
  const bytes = new Uint8Array(12 + frame.length);
  bytes.set(new TextEncoder().encode('h1dr'));
  new DataView(bytes.buffer).setBigUint64(4, number);
  bytes.set(new TextEncoder().encode(frame), 12);
  return bytes;
}
