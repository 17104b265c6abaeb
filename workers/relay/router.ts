// What the relay sends, sorted by where it belongs: payload (Data, and Signals that carry a frame) to the ring of the session's channel,
// everything else to the main thread. One message that finds its ring full pauses the socket until there is room: order is kept, nothing
// is dropped, memory is bounded (wire.md 1.5, S2, S6). Relay worker thread.

import {
  type DataPeek,
  decodeEnvelope,
  decodeEnvelopeText,
  FRAME_SIGNAL,
  type HotlinkMessage,
  MessageType,
  peekData,
} from '../../native-free/envelope/index.js';
import type { FromRelay } from '../messages.js';
import type { Binding, ChannelRings } from './channel-rings.js';
import type { RelayPace } from './pace.js';
import type { RelaySocket } from './socket.js';

export interface Route {
  rings: ChannelRings;
  binding: Binding;
}

export class Router {
  readonly routes = new Map<string, Route>();
  readonly #socket: RelaySocket;
  readonly #pace: RelayPace;
  readonly #post: (message: FromRelay) => void;
  /** Messages that arrived while one waits for room: what ws had already parsed when it was paused. */
  readonly #backlog: { data: Buffer; binary: boolean }[] = [];
  #waiting = false;

  constructor(socket: RelaySocket, pace: RelayPace, post: (message: FromRelay) => void) {
    this.#socket = socket;
    this.#pace = pace;
    this.#post = post;
  }

  message(data: Buffer, binary: boolean): void {
    if (this.#waiting) {
      this.#backlog.push({ data, binary });
      return;
    }
    const blocked = this.#route(data, binary);
    if (blocked !== undefined) void this.#wait(blocked, data, binary);
  }

  /** Forgets what waits: the connection is gone. */
  clear(): void {
    this.#backlog.length = 0;
  }

  async #wait(rings: ChannelRings, data: Buffer, binary: boolean): Promise<void> {
    this.#waiting = true;
    this.#socket.pause();
    this.#backlog.unshift({ data, binary });
    let target: ChannelRings | undefined = rings;
    while (target !== undefined) {
      await target.space((this.#backlog[0]?.data.length ?? 0) + 64);
      target = undefined;
      while (this.#backlog.length > 0 && target === undefined) {
        const next = this.#backlog[0] as { data: Buffer; binary: boolean };
        target = this.#route(next.data, next.binary);
        if (target === undefined) this.#backlog.shift();
      }
    }
    this.#waiting = false;
    this.#socket.resume();
  }

  /** @returns the rings that have no room for this message */
  #route(data: Buffer, binary: boolean): ChannelRings | undefined {
    if (binary) {
      const peeked = peekData(data);
      if (peeked !== undefined) return this.#data(data, peeked.sid, peeked);
    }
    const decoded = binary ? decodeEnvelope(data) : decodeEnvelopeText(data.toString('utf8'));
    if (!decoded.ok) {
      this.#post({ t: 'refused', reason: decoded.reason });
      return undefined;
    }
    const { id, message } = decoded;
    if (message.typ === MessageType.Data) {
      const route = this.routes.get(message.sid);
      if (route === undefined) return this.#unrouted(message.sid);
      if (message.pay.length === 0) return this.#refused('empty payload');
      return this.#outcome(
        route,
        message.pay.length,
        route.rings.deliver(route.binding, utf8(message.pth), utf8(message.etg ?? ''), message.seq, message.pay),
      );
    }
    if (message.typ === MessageType.Signal && message.knd === FRAME_SIGNAL) {
      const route = this.routes.get(message.sid);
      if (route === undefined) return this.#unrouted(message.sid);
      const frame = Buffer.from(message.tok ?? '', 'base64');
      return this.#outcome(route, frame.length, route.rings.deliverFrame(route.binding, frame));
    }
    if (message.typ === MessageType.Signal && message.knd === 'quic_error' && this.#pace.answered(message.sid)) return undefined;
    if (message.typ === MessageType.System && message.ver === OWN_RELAY) this.#pace.trust();
    if (message.typ >= MessageType.Open && message.typ <= MessageType.Signal)
      this.#post({ t: 'message', id, message: message as HotlinkMessage });
    return undefined;
  }

  #data(data: Buffer, sid: string, at: DataPeek): ChannelRings | undefined {
    const route = this.routes.get(sid);
    if (route === undefined) return this.#unrouted(sid);
    if (at.payBytes === 0) return this.#refused('empty payload');
    const payload = data.subarray(at.payStart, at.payStart + at.payBytes);
    const etag = data.subarray(at.etgStart, at.etgStart + at.etgBytes);
    if (etag.length > 128) return this.#refused('etag-too-long');
    // The path a peer wrote never routes (wire.md S9), so it is copied only for applications that are to see it (local IPC).
    const path = route.binding.paths ? data.subarray(at.pthStart, at.pthStart + at.pthBytes) : NOTHING;
    if (path.length > 4096) return this.#refused('path-too-long');
    return this.#outcome(route, at.payBytes, route.rings.deliver(route.binding, path, etag, at.seq, payload));
  }

  #outcome(route: Route, bytes: number, outcome: 'taken' | 'full' | 'oversize'): ChannelRings | undefined {
    if (outcome === 'full') return route.rings;
    if (outcome === 'oversize') this.#post({ t: 'oversize', sid: route.binding.sid, bytes });
    return undefined;
  }

  #unrouted(sid: string): undefined {
    this.#post({ t: 'unrouted', sid });
    return undefined;
  }

  #refused(reason: string): undefined {
    this.#post({ t: 'refused', reason });
    return undefined;
  }
}

/** What our own relay calls itself in its greeting: it drops nothing. */
const OWN_RELAY = 'hotlink-relay';
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();
const utf8 = (text: string): Uint8Array => encoder.encode(text).subarray(0, 4096);
