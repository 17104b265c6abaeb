// Control messages over the embedding program's own signaling, in place of a relay. What a relay would see to is seen to here: an Open names the
// peer it came from, a message about a session reaches it only if it comes from the session's other end, and a signal about a session
// that nobody has is answered with `unknown session`. Payload never goes this way: the relay lane is off. What the carrier says is taken in a
// later microtask, in order: it may say it while it is being given something to send, in the middle of a machine's output. Main thread.

import type { MessagePort } from 'node:worker_threads';
import { decodeEnvelope, encodeEnvelope, type HotlinkMessage, isEmail, type Message, MessageType, ownId } from '../../native-free/index.js';
import type { FromRelay, ToRelay } from '../../workers/messages.js';
import type { Signaling } from '../signaling.js';
import type { RelayPort, RelayPortEvents } from './relay-port.js';
import { SessionPeers } from './session-peers.js';

/** As the relay words it; whoever gets it opens anew. */
const UNKNOWN_SESSION = { knd: 'quic_error', err: 'unknown session' } as const;

export class SignalingLink implements RelayPort {
  readonly #signaling: Signaling;
  readonly #email: string;
  readonly #idStem: string;
  readonly #events: RelayPortEvents;
  readonly #sessions = new SessionPeers();
  #randomId = Math.floor(Math.random() * 0x1_0000_0000);
  #up = false;
  #connected = false;
  #stopping = false;

  /** @param idStem constant part of the ids of messages that no channel sends */
  constructor(signaling: Signaling, email: string, idStem: string, events: RelayPortEvents) {
    this.#signaling = signaling;
    this.#email = email;
    this.#idStem = idStem;
    this.#events = events;
  }

  /** Begins. @throws what the program's `connect` throws */
  async connect(): Promise<void> {
    this.#connected = true;
    await this.#signaling.connect({
      email: this.#email,
      up: () => this.#setUp(),
      down: (reason) => this.#setDown(String(reason)),
      receive: (envelope, from) => this.#receive(envelope, from),
    });
  }

  send(idStem: string, message: HotlinkMessage): void {
    if (message.typ === MessageType.Open) {
      // Nobody in particular (local IPC): there is no relay that could ask everybody.
      if (message.to === undefined || message.to === '') return;
      this.#sessions.put(message.sid, { peer: message.to, ours: true });
    }
    const peer = this.#sessions.get(message.sid)?.peer;
    if (peer !== undefined) this.#carry(idStem, peer, message);
    if (message.typ === MessageType.Close || message.typ === MessageType.Reject) this.#sessions.delete(message.sid);
  }

  /** Rings, bindings and networks are a relay's matter. */
  post(_message: ToRelay): void {}

  profile(_port: MessagePort, _intervalUs: number): boolean {
    return false;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#connected) await this.#signaling.close();
  }

  #setUp(): void {
    if (this.#up || this.#stopping) return;
    this.#up = true;
    this.#tell({ t: 'up', iceServers: undefined, turnUser: undefined, turnPass: undefined, turnTtl: undefined });
  }

  #setDown(reason: string): void {
    if (this.#stopping) return;
    this.#up = false;
    this.#tell({ t: 'down', reason, status: 0, unconfirmed: [] });
  }

  #receive(envelope: Uint8Array, from: string): void {
    if (this.#stopping) return;
    const decoded = decodeEnvelope(envelope);
    if (!decoded.ok || !isEmail(from)) {
      this.#tell({ t: 'refused', reason: decoded.ok ? 'the carrier names no sender that is an e-mail address' : decoded.reason });
      return;
    }
    const { id, message } = decoded;
    if (!isControl(message)) this.#tell({ t: 'refused', reason: `messages of type ${message.typ} do not go over signaling` });
    else
      queueMicrotask(() => {
        if (!this.#stopping) this.#deliver(id, message, from);
      });
  }

  #deliver(id: string, message: HotlinkMessage, from: string): void {
    const { sid } = message;
    const ends = this.#sessions.get(sid);
    if (ends !== undefined && (ends.peer !== from || (ends.ours && message.typ === MessageType.Open)))
      this.#tell({ t: 'refused', reason: `${from} has no such part in session ${sid}` });
    else if (message.typ === MessageType.Open) {
      this.#sessions.put(sid, { peer: from, ours: false });
      this.#tell({ t: 'message', id, message: { ...message, frm: from } });
    } else if (ends !== undefined) {
      if (message.typ === MessageType.Close || message.typ === MessageType.Reject) this.#sessions.delete(sid);
      this.#tell({ t: 'message', id, message });
    }
    // Never in answer to one of these, or two strangers would go on for ever.
    else if (message.typ === MessageType.Signal && message.knd !== UNKNOWN_SESSION.knd)
      this.#carry(this.#idStem, from, { typ: MessageType.Signal, sid, ...UNKNOWN_SESSION });
  }

  #carry(idStem: string, peer: string, message: HotlinkMessage): void {
    if (!this.#up) return;
    this.#randomId += 1;
    try {
      this.#signaling.send(encodeEnvelope(ownId(idStem, this.#randomId), message, 'msgpack'), {
        peer,
        sid: message.sid,
        type: message.typ,
      });
    } catch (error) {
      this.#setDown(`the signaling failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #tell(message: FromRelay): void {
    queueMicrotask(() => {
      if (!this.#stopping) this.#events.message(message);
    });
  }
}

function isControl(message: Message): message is HotlinkMessage {
  return message.typ >= MessageType.Open && message.typ <= MessageType.Signal && message.typ !== MessageType.Data;
}
