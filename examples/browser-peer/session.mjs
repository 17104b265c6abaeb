// One session with the peer: its peer connection, which the acceptor offers and the opener answers, and its word that this side does not seal.
// What goes wrong here is told as a reason; the acceptor tries again.
import { MessageType, parseDescription } from 'hotlink/native-free';
import { createKeyExchange, createNegotiation, FRAME_SIGNAL, iceUfrag, KEY_SIGNAL } from 'hotlink/native-free/machines';
import { DataChannelLane, RelayLane } from './lanes.mjs';

/** Between two offers, doubling from the first to the last, ms. */
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 30_000;

export class Session {
  #context;
  #negotiation;
  #offerUfrag;
  #connection;
  #lane;
  #relayLane;
  #attempts = 0;
  #retryAtMs;
  /** What is asked of the connection happens in order: a candidate before the description it belongs to is an error. */
  #steps = Promise.resolve();

  /**
   * @param context what all sessions share: `send(message)`, `socket`, `rtc` (an RTCConfiguration), `webrtcAllowed`,
   *   `relayAllowed`, `events` (laneUp, laneDown,
   *   attemptBegins, attemptFailed, relayRefused, frame, writable), `run(action)`, inside which everything happens
   */
  constructor(context, { sid, direction, self, peer }) {
    this.#context = context;
    this.sid = sid;
    this.direction = direction;
    this.keys = createKeyExchange({ sid, role: direction === 'out' ? 'opener' : 'acceptor', self, peer });
  }

  start(nowMs) {
    this.keys.start(nowMs);
    if (this.direction === 'in') this.#begin('offerer', nowMs);
  }

  /** The core wants it, or the peer sends there. */
  relayUp() {
    const { relayAllowed, socket, events } = this.#context;
    if (!relayAllowed || !socket.isUp || this.#relayLane !== undefined) return;
    this.#relayLane = new RelayLane(this.sid, socket, this.direction === 'out', events);
    events.laneUp(this.#relayLane);
  }

  relayDown(reason) {
    const lane = this.#relayLane;
    this.#relayLane = undefined;
    lane?.close();
    // What the WebSocket still held is lost with it.
    if (lane !== undefined) this.#context.events.laneDown(lane, reason, true);
  }

  relayFrame(frame) {
    this.relayUp();
    if (this.#relayLane !== undefined) this.#context.events.frame(this.#relayLane, frame);
  }

  handleSignal({ knd, tok, err }, nowMs) {
    if (knd === KEY_SIGNAL) this.keys.handleSignal(tok);
    else if (knd === FRAME_SIGNAL) this.relayFrame(Uint8Array.from(atob(tok ?? ''), (letter) => letter.charCodeAt(0)));
    else {
      if (knd === 'sdp_offer' && this.direction === 'out' && this.#isNew(tok)) this.#begin('answerer', nowMs);
      this.#negotiation?.handleSignal(knd, tok, err, nowMs);
    }
  }

  timeoutMs() {
    return Math.min(
      ...[this.#negotiation?.timeoutMs(), this.#retryAtMs, this.keys.timeoutMs()].map((at) => at ?? Number.POSITIVE_INFINITY),
    );
  }

  handleTimeout(nowMs) {
    this.keys.handleTimeout(nowMs);
    this.#negotiation?.handleTimeout(nowMs);
    if (this.#retryAtMs !== undefined && nowMs >= this.#retryAtMs) this.#begin('offerer', nowMs);
  }

  /** Carries out what the machines ask for. @returns whether there was anything */
  drain(nowMs) {
    const { send, events } = this.#context;
    let any = false;
    for (let output = this.keys.poll(); output !== undefined; output = this.keys.poll()) {
      any = true;
      if (output.kind === 'send') send({ typ: MessageType.Signal, sid: this.sid, knd: KEY_SIGNAL, tok: output.tok });
      if (output.kind === 'refused') events.relayRefused(this.sid, output.reason);
    }
    for (let output = this.#negotiation?.poll(); output !== undefined; output = this.#negotiation?.poll()) {
      any = true;
      const { kind, ...rest } = output;
      if (kind === 'send') send({ typ: MessageType.Signal, sid: this.sid, ...rest });
      else if (kind === 'set-remote') this.#describe(output);
      else if (kind === 'add-candidate')
        this.#step((connection) => connection.addIceCandidate({ candidate: output.candidate, sdpMid: output.mid }));
      else this.#failed(output.reason, nowMs);
    }
    return any;
  }

  end(reason) {
    this.#retryAtMs = undefined;
    this.#hangUp(reason);
    this.relayDown(reason);
  }

  #isNew(tok) {
    const ufrag = iceUfrag(parseDescription(tok, 'offer') ?? '');
    if (ufrag === undefined || ufrag === this.#offerUfrag) return false;
    this.#offerUfrag = ufrag;
    return true;
  }

  #begin(role, nowMs) {
    if (!this.#context.webrtcAllowed) {
      this.#context.send({
        typ: MessageType.Signal,
        sid: this.sid,
        knd: 'webrtc_error',
        err: 'the webrtc lane is switched off on this side',
      });
      return;
    }
    this.#hangUp('the connection is made anew');
    this.#retryAtMs = undefined;
    this.#attempts += 1;
    const negotiation = createNegotiation({ role });
    const connection = new RTCPeerConnection(this.#context.rtc);
    this.#negotiation = negotiation;
    this.#connection = connection;
    this.#steps = Promise.resolve();
    // A word of a connection that was replaced meanwhile is passed over.
    const on = (action) => (event) => {
      this.#context.run((now) => {
        if (this.#connection === connection) action(event, now);
      });
    };
    connection.onicecandidate = on(({ candidate }, now) => {
      if (candidate !== null) negotiation.handleLocalCandidate(candidate.candidate, candidate.sdpMid ?? '0', now);
    });
    connection.onicegatheringstatechange = on((_event, now) => {
      const complete = connection.iceGatheringState === 'complete';
      if (complete) negotiation.handleGatheringComplete(connection.localDescription?.sdp ?? '', now);
    });
    connection.onconnectionstatechange = on((_event, now) => {
      if (connection.connectionState === 'failed') this.#lost('the browser found no path to the peer', now);
    });
    connection.ondatachannel = on(({ channel }) => this.#adopt(channel, on));
    negotiation.start(nowMs);
    this.#context.events.attemptBegins(this.sid);
    if (role === 'answerer') return;
    this.#adopt(connection.createDataChannel('hotlink'), on);
    this.#step(() => this.#describeSelf('offer'));
  }

  #adopt(channel, on) {
    const { events } = this.#context;
    channel.binaryType = 'arraybuffer';
    const opened = on((_event, now) => {
      if (this.#lane !== undefined) return;
      this.#attempts = 0;
      this.#negotiation.handleConnected(now);
      this.#lane = new DataChannelLane(this.sid, channel, this.#connection.sctp.maxMessageSize, events);
      events.laneUp(this.#lane);
    });
    channel.onopen = opened;
    channel.onmessage = on(({ data }) => this.#lane !== undefined && events.frame(this.#lane, new Uint8Array(data)));
    channel.onclose = on((_event, now) => this.#lost('the data channel was closed', now));
    if (channel.readyState === 'open') opened();
  }

  #describe({ type, sdp }) {
    this.#step((connection) => connection.setRemoteDescription({ type, sdp }));
    if (type === 'offer') this.#step(() => this.#describeSelf('answer'));
  }

  async #describeSelf(type) {
    const connection = this.#connection;
    await connection.setLocalDescription();
    this.#context.run((now) => {
      if (this.#connection === connection) this.#negotiation.handleLocalDescription(type, connection.localDescription.sdp, now);
    });
  }

  #step(action) {
    const connection = this.#connection;
    this.#steps = this.#steps
      .then(() => (this.#connection === connection ? action(connection) : undefined))
      .catch((error) => {
        this.#context.run((now) => {
          if (this.#connection === connection) this.#negotiation.handleFailed(error.message, now);
        });
      });
  }

  /** The browser says so. A peer that still waits for the data channel is told. */
  #lost(reason, nowMs) {
    if (this.#negotiation.state === 'connected') this.#failed(reason, nowMs);
    else this.#negotiation.handleFailed(reason, nowMs);
  }

  #failed(reason, nowMs) {
    this.#hangUp(reason);
    this.#context.events.attemptFailed(this.sid, reason);
    // The acceptor offers, so the acceptor tries again.
    if (this.direction === 'in') this.#retryAtMs = nowMs + Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#attempts, 7));
  }

  #hangUp(reason) {
    const [connection, lane] = [this.#connection, this.#lane];
    this.#connection = undefined;
    this.#lane = undefined;
    connection?.close();
    if (lane !== undefined) this.#context.events.laneDown(lane, reason, true);
  }
}
