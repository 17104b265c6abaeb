// The media track that carries a WebRTC lane's small frames (native-free/datagrams.ts), of either side: the offerer adds it, the answerer is handed it.
// The audio that the description speaks of is never sent. Channel worker thread.

import type { PeerConnection, Track } from 'node-datachannel';
import { Datagrams, RTP_TYPE, TICK_MS } from '../../native-free/datagrams.js';
import type { Addon } from '../addon.js';
import { clockMs } from '../clock.js';

const MID = 'datagrams';
/** A track that is garbage-collected before it is closed leaves the addon with a dangling pointer, on which it dies at the end of the thread. */
const HELD = new Set<Track>();
/** What packets of the two sides name as their source. */
const SOURCE = { offerer: 1, answerer: 2 } as const;

export interface DatagramTrackEvents {
  /** Runs what a callback of the addon calls. */
  guard(action: () => void): void;
  frame(frame: Uint8Array): void;
  /** A message that is to go over the data channel: a frame that got lost. @returns whether it went there */
  repair(message: Uint8Array): boolean;
}

export class DatagramTrack {
  readonly #events: DatagramTrackEvents;
  readonly #datagrams: Datagrams;
  #track: Track | undefined;
  /** Of the track; asking the addon each time would cost as much as a small copy. */
  #open = false;
  #begun = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(addon: Addon, connection: PeerConnection, role: 'offerer' | 'answerer', mtu: number, events: DatagramTrackEvents) {
    this.#events = events;
    this.#datagrams = new Datagrams(SOURCE[role], mtu, {
      packet: (bytes) => this.#send(bytes),
      repair: (message) => events.repair(message),
      frame: (frame) => events.frame(frame),
      wake: () => this.#wake(),
    });
    if (role === 'answerer') {
      connection.onTrack((track) => events.guard(() => this.#adopt(track)));
      return;
    }
    const media = new addon.Audio(MID, 'SendRecv');
    media.addOpusCodec(RTP_TYPE);
    // With a name: a browser refuses a description that has the number alone.
    media.addSSRC(SOURCE.offerer, MID);
    this.#adopt(connection.addTrack(media));
  }

  /** The data channel is open: the peer may be asked. */
  begin(): void {
    this.#begun = true;
    if (this.#open) this.#datagrams.begin(clockMs());
  }

  /** @returns whether the frame goes this way; it was copied */
  offer(frame: Uint8Array, nowMs: number): boolean {
    return this.#begun && this.#open && this.#datagrams.offer(frame, nowMs);
  }

  /** A message other than a repair went over the data channel. @param numbered it may not be overtaken */
  sentOnChannel(numbered: boolean): void {
    this.#datagrams.sentOnChannel(numbered);
  }

  /** A message came on the data channel. @param numbered as in {@link sentOnChannel} @returns whether it is one of these, and dealt with */
  heardOnChannel(message: Uint8Array, numbered: boolean): boolean {
    return this.#datagrams.heardOnChannel(message, numbered);
  }

  /** From now on frames go over the data channel; what comes is still taken. */
  retire(): void {
    this.#datagrams.retire();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#begun = false;
    this.#closed = true;
    this.#track?.close();
  }

  #adopt(track: Track): void {
    HELD.add(track);
    track.onClosed(() =>
      this.#events.guard(() => {
        HELD.delete(track);
        if (track !== this.#track) return;
        this.#open = false;
        if (this.#begun) this.#datagrams.end(clockMs());
      }),
    );
    if (this.#closed || this.#track !== undefined || track.mid() !== MID) {
      // Nothing that we would have asked for.
      track.close();
      return;
    }
    this.#track = track;
    this.#open = track.isOpen();
    track.onOpen(() =>
      this.#events.guard(() => {
        this.#open = true;
        if (this.#begun) this.#datagrams.begin(clockMs());
      }),
    );
    track.onMessage((packet) =>
      this.#events.guard(() => {
        if (this.#begun) this.#datagrams.packet(packet, clockMs());
      }),
    );
  }

  #send(packet: Uint8Array): boolean {
    try {
      return this.#open && this.#track?.sendMessageBinary(packet as Buffer) === true;
    } catch {
      // It is closing; what is under way is repaired.
      return false;
    }
  }

  #wake(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#tick(), TICK_MS);
    else this.#timer.refresh();
  }

  #tick(): void {
    this.#events.guard(() => this.#datagrams.tick(clockMs()));
  }
}
