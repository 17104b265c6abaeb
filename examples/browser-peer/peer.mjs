// A page as a peer of the hotlink protocol: the machines of hotlink/native-free/machines on a browser's own WebSocket and RTCPeerConnection. It opens one
// channel by name, towards a peer that runs `hotlink forward --dial` (or connect()) under the same name, and has one stream on it.
import { encodeFrame, MessageType } from 'hotlink/native-free';
import { createChannel, createInbound, createOutbound, fingerprint, ownIdStem } from 'hotlink/native-free/machines';
import { RelaySocket } from './relay-socket.mjs';
import { Session } from './session.mjs';
import { PageStream } from './stream.mjs';

/** The longest a timer of ours waits, ms: what is due later is looked at again. */
const LONGEST_TIMER_MS = 60_000;

export class BrowserPeer {
  #email;
  #peer;
  #path;
  #instance = hex8();
  #log;
  #core;
  #outbound;
  #inbound;
  #socket;
  #context;
  #sessions = new Map();
  #stream;
  #timer;
  #running = false;
  #closed = false;

  /**
   * @param relay http(s) address of the relay: the page's own host, or one that allows the page's origin
   * @param email who we are @param peer whom to talk to @param name of the channel
   * @param lanes those that may carry payload: `webrtc`, `relay`
   * @param rtc RTCConfiguration; what the relay advertises is {@link iceServersOf}
   * @param log told what happens, in a line each
   */
  constructor({ relay, email, peer, name, lanes = ['webrtc', 'relay'], rtc = {}, log = () => {} }) {
    const [webrtcAllowed, relayAllowed] = ['webrtc', 'relay'].map((lane) => lanes.includes(lane));
    this.#email = email;
    this.#peer = peer;
    this.#log = log;
    // The peer's copy of the channel's directory: `hotlink forward` there grants us what we need on it.
    this.#path = `${peer}/app_data/hotlink/forward/${name}/_mpc/0_to_1/stream.tcp.request`;
    this.#outbound = createOutbound({ path: this.#path, peer, newSid: () => crypto.randomUUID(), jitter: Math.random });
    this.#inbound = createInbound({ self: email });
    this.#core = createChannel({
      path: this.#path,
      salt: Array.from(crypto.getRandomValues(new Uint8Array(5)), (byte) => (byte % 36).toString(36)).join(''),
      lanes,
      ports: this.#ports(),
    });
    // A machine of our own in the eyes of the peer: it must not think that we share its loopback.
    const idStem = ownIdStem(hex8(), this.#instance);
    this.#socket = new RelaySocket(relay, email, idStem, {
      up: () => this.#run((now) => this.#relayThere(true, now)),
      down: () => this.#run((now) => this.#relayThere(false, now)),
      message: (id, message) => this.#run((now) => this.#handle(fingerprint(id), message, now)),
    });
    this.#context = {
      socket: this.#socket,
      rtc,
      webrtcAllowed,
      relayAllowed,
      send: (message) => this.#socket.send(message),
      run: (action) => this.#run(action),
      events: {
        laneUp: (lane) => this.#core.laneUp(lane, performance.now()),
        laneDown: (lane, reason, lossy) => this.#core.laneDown(lane, reason, performance.now(), lossy),
        attemptBegins: (sid) => this.#core.attemptBegins(sid, 'webrtc'),
        attemptFailed: (sid, reason) => {
          this.#log(`webrtc of the session that ${this.#sessions.get(sid)?.direction === 'out' ? 'we' : 'the peer'} opened: ${reason}`);
          this.#core.attemptFailed(sid, 'webrtc', reason, performance.now());
        },
        relayRefused: (sid, reason) => this.#core.relayRefused(sid, reason, performance.now()),
        frame: (lane, bytes) => this.#core.frame(lane, bytes, true, performance.now()),
        writable: () => this.#run((now) => this.#core.pump(now)),
      },
    };
  }

  /** `webrtc` or `relay`; undefined while nothing carries. */
  get lane() {
    return this.#core.lane?.kind;
  }

  /** The one stream: `{ readable, writable }`. */
  open() {
    if (this.#stream !== undefined) throw new Error('this channel has its stream already');
    this.#stream = new PageStream(this.#core, (action) => this.#run(action));
    return this.#stream;
  }

  close() {
    this.#run((now) => {
      this.#outbound.close('the page leaves');
      for (const { sid, direction } of this.#sessions.values()) if (direction === 'in') this.#inbound.close(sid, 'the page leaves');
      this.#drain(now);
      for (const sid of [...this.#sessions.keys()]) this.#end(sid, 'the page leaves', now);
    });
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stream?.failed('the peer was closed');
    this.#socket.close();
  }

  #ports() {
    const wanted = (sid) => queueMicrotask(() => this.#run(() => this.#sessions.get(sid)?.relayUp()));
    return {
      // The core may use its memory again.
      deliver: (_id, bytes, lasting) => this.#stream?.delivered(lasting ? bytes : bytes.slice()),
      opened: (id) => {
        // There is one stream, and we made it.
        if (id !== this.#stream?.id) queueMicrotask(() => this.#run((now) => this.#refuse(id, now)));
      },
      ended: () => this.#stream?.peerEnded(),
      reset: (_id, reason) => this.#stream?.failed(`the peer reset the stream: ${reason}`),
      room: () => this.#stream?.room(),
      sendingDone: () => {},
      wantSession: () => this.#outbound.handleWant(performance.now()),
      wantRelay: wanted,
      peerRestarted: (renumbered) => {
        const id = renumbered.get(this.#stream?.id);
        if (id !== undefined) this.#stream.id = id;
        else this.#stream?.failed('the peer was restarted');
      },
      failed: (code, message) => this.#stream?.failed(`${code}: ${message}`),
      refused: (reason) => this.#log(`a frame was refused: ${reason}`),
      carries: (lane, reason) => this.#log(lane === undefined ? reason : `${lane.kind} carries${reason === '' ? '' : ` (${reason})`}`),
    };
  }

  #refuse(id, now) {
    const out = this.#core.openStream(id, false, false, now);
    this.#core.resetStream(out, 'this page has one stream, which it opens itself', now);
    this.#core.removeStream(id);
  }

  #relayThere(up, now) {
    this.#log(up ? 'relay: connected' : 'relay: connection lost');
    if (!up) for (const session of this.#sessions.values()) session.relayDown('the connection to the relay was lost');
    this.#core.relayThere(up, now);
    this.#outbound.handleRelay(up, now);
    this.#inbound.handleRelay(up, now);
  }

  /** @param sender what runs there, by the id of its message */
  #handle(sender, message, now) {
    const { sid } = message;
    switch (message.typ) {
      case MessageType.Open:
        if (sender.kind === 'hotlink') this.#inbound.handleOpen(message, sender, (path, from) => this.#channelOf(path, from), now);
        break;
      case MessageType.Accept:
        if (sender.kind === 'hotlink') {
          if (this.#outbound.handleAccept(sid, sender.kind, now) === 'accepted')
            this.#begin(sid, 'out', sender.instance, this.#outbound.path, now);
        } else if (sid === this.#outbound.sid)
          this.#log('the peer is no hotlink of our kind: it knows no streams, and this page no other way');
        break;
      case MessageType.Reject:
        this.#log(`the session was rejected: ${message.rsn ?? ''}`);
        if (this.#outbound.handleReject(sid, message.rsn ?? '', now) === 'stale') this.#inbound.handleReject(sid, message.rsn ?? '');
        break;
      case MessageType.Close:
        this.#outbound.handleClose(sid, message.rsn ?? '', now);
        this.#inbound.handleClose(sid, message.rsn ?? '');
        break;
      case MessageType.Signal:
        if (this.#sessions.has(sid)) this.#sessions.get(sid).handleSignal(message, now);
        break;
      case MessageType.Data:
        if (message.pay.length > 0)
          this.#sessions.get(sid)?.relayFrame(encodeFrame(message.pth, message.etg ?? '', message.seq, message.pay));
        break;
    }
  }

  /** The peer's copy of the directory, or ours. */
  #channelOf(path, from) {
    const mine = this.#email + this.#path.slice(this.#peer.length);
    if (path !== this.#path && path !== mine) return 'unknown-channel';
    return from === this.#peer ? 'channel' : 'wrong-peer';
  }

  #begin(sid, direction, epoch, path, now) {
    if (direction === 'out')
      for (const other of [...this.#sessions.values()]) if (other.direction === 'out') this.#end(other.sid, 'replaced', now);
    const session = new Session(this.#context, {
      sid,
      direction,
      self: { email: this.#email, epoch: this.#instance },
      peer: { email: this.#peer, epoch },
    });
    this.#sessions.set(sid, session);
    this.#core.sessionUp({ sid, direction, own: true, epoch, path }, now);
    session.start(now);
  }

  #end(sid, reason, now) {
    const session = this.#sessions.get(sid);
    if (session === undefined) return;
    this.#sessions.delete(sid);
    // The session first: its lanes then end as a matter of course.
    this.#core.sessionDown(sid, now);
    session.end(reason);
  }

  /** Everything that happens, happens in here: then the machines are asked what they want, and when to be asked again. */
  #run(action) {
    if (this.#closed) return undefined;
    if (this.#running) return action(performance.now());
    this.#running = true;
    try {
      const result = action(performance.now());
      this.#drain(performance.now());
      return result;
    } finally {
      this.#running = false;
      this.#rearm();
    }
  }

  #drain(now) {
    for (let any = true; any; ) {
      any = false;
      for (let output = this.#outbound.poll(); output !== undefined; output = this.#outbound.poll()) {
        any = true;
        if (output.kind === 'send') this.#socket.send(output.message);
        else if (output.kind === 'lost') this.#end(output.sid, output.reason, now);
      }
      for (let output = this.#inbound.poll(); output !== undefined; output = this.#inbound.poll()) {
        any = true;
        if (output.kind === 'send') this.#socket.send(output.message);
        else if (output.kind === 'accepted') this.#begin(output.sid, 'in', output.opener.instance, this.#path, now);
        else if (output.kind === 'replaced') this.#end(output.oldSid, 'replaced', now);
        else if (output.kind === 'closed') this.#end(output.sid, output.reason, now);
        else this.#log(`an Open of somebody was refused: ${output.reason}`);
      }
      for (const session of [...this.#sessions.values()]) any = session.drain(now) || any;
    }
  }

  #rearm() {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const machines = [this.#core, this.#outbound, this.#inbound, ...this.#sessions.values()];
    const at = Math.min(...machines.map((machine) => machine.timeoutMs() ?? Number.POSITIVE_INFINITY));
    const waitMs = Math.min(LONGEST_TIMER_MS, Math.max(1, at - performance.now()));
    this.#timer = setTimeout(() => {
      this.#run((now) => {
        this.#core.tick(now);
        for (const machine of [this.#outbound, this.#inbound, ...this.#sessions.values()]) machine.handleTimeout(now);
      });
    }, waitMs);
  }
}

/** What the relay advertises, as a browser takes it. */
export async function iceServersOf(relay, email) {
  const answer = await fetch(`${relay.replace(/\/+$/, '')}/api/v1/hotlink/ice?user=${encodeURIComponent(email)}`);
  if (!answer.ok) return [];
  const { iceServers, turnUser, turnPass } = await answer.json();
  return iceServers.map((urls) => (urls.startsWith('turn') ? { urls, username: turnUser ?? '', credential: turnPass ?? '' } : { urls }));
}

const hex8 = () => crypto.getRandomValues(new Uint32Array(1))[0].toString(16).padStart(8, '0');
