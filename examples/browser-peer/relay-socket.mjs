// The page's WebSocket to the relay: messages in and out, and a new connection when one is lost. A page cannot set headers, so the relay answers
// in JSON; it takes msgpack all the same, which is what goes out.
import { decodeEnvelope, decodeEnvelopeText, encodeEnvelope } from 'hotlink/native-free';
import { ownId } from 'hotlink/native-free/machines';

/** Between two attempts to connect, doubling from the first to the last, ms. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

export class RelaySocket {
  #url;
  #idStem;
  #events;
  #socket;
  #timer;
  #retryMs = FIRST_RETRY_MS;
  #closed = false;

  /** @param relay its http(s) address @param idStem says in every message what we are @param events `up()`, `down()`, `message(id, message)` */
  constructor(relay, email, idStem, events) {
    this.#url = new URL(`${relay.replace(/\/+$/, '')}/api/v1/events`);
    this.#url.protocol = this.#url.protocol.replace('http', 'ws');
    this.#url.searchParams.set('user', email);
    this.#idStem = idStem;
    this.#events = events;
    this.#connect();
  }

  get isUp() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  get bufferedBytes() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  send(message) {
    if (this.isUp) this.#socket.send(encodeEnvelope(this.#newId(), message, 'msgpack'));
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #newId() {
    return ownId(this.#idStem, crypto.getRandomValues(new Uint32Array(1))[0]);
  }

  #connect() {
    const socket = new WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    let wasUp = false;
    socket.onopen = () => {
      wasUp = true;
      this.#retryMs = FIRST_RETRY_MS;
      this.#events.up();
    };
    socket.onmessage = ({ data }) => {
      const decoded = typeof data === 'string' ? decodeEnvelopeText(data) : decodeEnvelope(new Uint8Array(data));
      if (decoded.ok) this.#events.message(decoded.id, decoded.message);
    };
    socket.onclose = () => {
      if (wasUp) this.#events.down();
      if (this.#closed) return;
      this.#timer = setTimeout(() => this.#connect(), this.#retryMs);
      this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
    };
  }
}
