// The two carriers that a page has, as the channel's core knows lanes: a data channel, and the relay's WebSocket. Neither calls back from within
// `trySend`.
import { FrameView, MessageType } from 'hotlink/native-free';
import { FRAME_SIGNAL } from 'hotlink/native-free/machines';

/** Taken and not yet sent above which a carrier is full, and below which it takes frames again, bytes. */
const HIGH_BYTES = 1_048_576;
const LOW_BYTES = HIGH_BYTES / 2;
/** A WebSocket does not say when it has room, so it is looked at this often, ms. */
const LOOK_MS = 10;

export class DataChannelLane {
  kind = 'webrtc';
  #channel;
  #refused = false;

  /** @param maxFrameBytes what the connection says it takes @param events `writable(lane)` */
  constructor(sid, channel, maxFrameBytes, events) {
    this.sid = sid;
    this.maxFrameBytes = maxFrameBytes;
    this.#channel = channel;
    channel.bufferedAmountLowThreshold = LOW_BYTES;
    channel.onbufferedamountlow = () => {
      if (!this.#refused) return;
      this.#refused = false;
      events.writable(this);
    };
  }

  trySend(frame, urgent = false) {
    if (this.#channel.readyState !== 'open') return 'closed';
    if (frame.length > this.maxFrameBytes) return 'oversize';
    if (!urgent && this.#channel.bufferedAmount >= HIGH_BYTES) {
      this.#refused = true;
      return 'full';
    }
    // The frame lies in the core's send window, which is shared memory where the page may have that, and a data channel does not take.
    this.#channel.send(frame.slice());
    return 'taken';
  }

  bufferedBytes() {
    return this.#channel.bufferedAmount;
  }

  close() {
    this.#channel.close();
  }
}

export class RelayLane {
  kind = 'relay';
  maxFrameBytes = Number.POSITIVE_INFINITY;
  #socket;
  #opener;
  #events;
  #view = new FrameView();
  #timer;

  /** @param opener whether we opened the session: the relay takes Data from its opener alone */
  constructor(sid, socket, opener, events) {
    this.sid = sid;
    this.#socket = socket;
    this.#opener = opener;
    this.#events = events;
  }

  trySend(frame, urgent = false) {
    if (!this.#socket.isUp) return 'closed';
    if (!urgent && this.#socket.bufferedBytes >= HIGH_BYTES) {
      this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
      return 'full';
    }
    if (!this.#opener) {
      const tok = btoa(String.fromCharCode(...frame));
      this.#socket.send({ typ: MessageType.Signal, sid: this.sid, knd: FRAME_SIGNAL, tok });
      return 'taken';
    }
    const view = this.#view;
    view.read(frame);
    const { sid } = this;
    this.#socket.send({ typ: MessageType.Data, sid, seq: view.seq, pth: view.path(), etg: view.etag(), pay: view.payload() });
    return 'taken';
  }

  bufferedBytes() {
    return this.#socket.bufferedBytes;
  }

  close() {
    clearInterval(this.#timer);
  }

  #look() {
    if (this.#socket.bufferedBytes > LOW_BYTES) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#events.writable(this);
  }
}
