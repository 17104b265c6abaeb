// One channel on its worker thread: joins the protocol core (native-free/channel) to the local TCP port, the lanes and the main thread.
//
// State is owned here and ends here, in this order: listener (no new connections) → streams → data channels and peer connections →
// relay rings → the port to main. The task promise resolves when all of it is gone.

import type { MessagePort } from 'node:worker_threads';
import { ChannelCore, SteadyWatch } from '../../native-free/channel/index.js';
import { Counter } from '../../native-free/counters.js';
import { HotlinkError } from '../../native-free/errors.js';
import type { Lane } from '../../native-free/lane.js';
import { clockMs } from '../clock.js';
import { ipcHosts } from '../ipc/host.js';
import { IpcLeg } from '../ipc/leg.js';
import { type RelayLane, RelayRings } from '../lanes/relay.js';
import { Seal } from '../lanes/seal.js';
import { NODE_MEMORY } from '../memory.js';
import type { ChannelTask, FromChannel, ToChannel } from '../messages.js';
import { serveProfile } from '../profiler.js';
import { ProgramStreams } from '../program/program-streams.js';
import { ForwardDial } from '../tcp/forward-dial.js';
import { ForwardListen } from '../tcp/forward-listen.js';
import { Listener } from '../tcp/listener.js';
import { loadQuickAck } from '../tcp/quickack.js';
import { Rendezvous } from '../tcp/rendezvous.js';
import type { StreamEvents } from '../tcp/streams.js';
import { DirectSessions } from './direct-sessions.js';
import type { LocalSide } from './local-side.js';
import { RtcSessions } from './rtc-sessions.js';

/** Longest a stop waits for bytes under way, ms; then a little more for the resets of what is still open. */
const DRAIN_MS = 2000;
const RESET_MS = 1000;
/**
 * A data channel that is empty here still has up to a window of bytes on its way, and its end would lose them; an upstream peer does not
 * say what it has. Long enough for 1 MiB at 1 MiB/s, ms.
 */
const LINGER_MS = 1000;
/** The same for an own peer, which sends again what it misses as long as we are there: a round trip of most networks, ms. */
const OWN_LINGER_MS = 150;
/** A ping of the channel's own; main's tokens are above. */
const PATH_TOKEN = 0;
/** A round trip below this is a LAN's, ms: windows there need not be larger than they are. */
const FAR_MS = 3;
/** How long a session that the peer has ended is kept for its last acknowledgements, ms. They left before the Close, on another way. */
const LAST_WORDS_MS = 1000;

export class Channel {
  readonly #port: MessagePort;
  readonly #leave: () => void;
  readonly #counters: Float64Array;
  readonly #core: ChannelCore;
  readonly #streams: LocalSide;
  readonly #listener: Listener | undefined;
  readonly #rtc: RtcSessions;
  readonly #direct: DirectSessions;
  readonly #stopped: Promise<void>;
  #resolveStopped: () => void = () => {};
  #relay: RelayRings | undefined;
  readonly #relayLanes = new Map<string, RelayLane>();
  /** By session: outlives its lanes, so that a counter is never used twice under one key. */
  readonly #seals = new Map<string, Seal | 'plain'>();
  /** Sessions that are over but for the peer's last acknowledgements, with what ends them at the latest. */
  readonly #ending = new Map<string, NodeJS.Timeout>();
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #wanting = false;
  #draining = false;
  #stopping = false;
  #firstPayloadSid: string | undefined;
  readonly #steady = new SteadyWatch();

  /** @param leave ends what this thread holds for the channel; called before main hears that it may end the thread */
  constructor(task: ChannelTask, leave: () => void) {
    this.#leave = leave;
    this.#port = task.port;
    this.#counters = new Float64Array(task.counters);
    this.#stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
    this.#core = new ChannelCore({
      path: task.key,
      salt: task.salt,
      limits: task.limits,
      counters: this.#counters,
      whole: task.shape.kind === 'ipc',
      numbers: task.numbers,
      memory: NODE_MEMORY,
      ports: {
        deliver: (stream, payload, lasting) => this.#streams.deliver(stream, payload, lasting),
        opened: (stream) => this.#streams.opened(stream),
        ended: (stream) => this.#streams.peerEnded(stream),
        reset: (stream, reason) => this.#streams.peerReset(stream, reason),
        room: (stream) => this.#streams.room(stream),
        sendingDone: (stream) => this.#streams.sendingDone(stream),
        wantSession: () => this.#wantSession(),
        wantRelay: (sid) => this.#post({ t: 'want-relay', sid }),
        peerRestarted: (renumbered) => this.#streams.peerRestarted(renumbered),
        failed: (code, message) => {
          this.#streams.resetAll(message);
          if (this.#core.over) this.#postNumbers();
          this.#post({ t: 'failed', code, message, over: this.#core.over });
        },
        refused: (reason, sid) => this.#post({ t: 'refused', sid, reason }),
        pong: (token, lane, rttMs) => {
          if (token !== PATH_TOKEN) this.#post({ t: 'pong', token, lane: lane?.kind, rttMs });
          else if (lane?.kind === 'direct' && rttMs >= FAR_MS) this.#core.goFar(true);
        },
        carries: (lane, reason) => this.#post({ t: 'carries', sid: lane?.sid, lane: lane?.kind, reason }),
      },
    });
    const streamEvents: StreamEvents = {
      bound: (stream) => this.#post({ t: 'connection', event: 'bound', stream, reason: '' }),
      closed: (stream, reset, reason) => this.#post({ t: 'connection', event: reset ? 'reset' : 'closed', stream, reason }),
      overflow: (message) => this.#post({ t: 'failed', code: 'ERR_HLNK_GAP', message, over: false }),
      rearm: () => this.#rearm(),
      quickAck: task.quickAck ? loadQuickAck() : undefined,
    };
    if (task.shape.kind === 'ipc') {
      const host = ipcHosts.get(task.shape.host);
      if (host === undefined) throw new HotlinkError('ERR_HLNK_INTERNAL', `IPC host ${task.shape.host} is not on this thread`);
      this.#streams = new IpcLeg(host, this.#core, task.peer, { want: (path) => this.#wantSession(path), rearm: () => this.#rearm() });
    } else if (task.shape.kind === 'dial') {
      this.#streams = new ForwardDial(this.#core, this.#counters, streamEvents, task.shape);
    } else if (task.shape.kind === 'program') {
      this.#streams = new ProgramStreams(this.#core, this.#counters, streamEvents, task.shape.silent, () => this.#post({ t: 'written' }));
    } else {
      const shape = new (task.shape.kind === 'forward' ? ForwardListen : Rendezvous)(this.#core, this.#counters, streamEvents);
      this.#streams = shape;
      this.#listener = new Listener(task.bind, task.shape.port, {
        connection: (socket) => shape.accept(socket),
        listening: (port) => this.#post({ t: 'listening', port }),
        failed: (code, message) => this.#post({ t: 'listen-failed', code, message }),
      });
    }
    this.#rtc = new RtcSessions(task.rtc, {
      post: (message) => this.#post(message),
      laneUp: (lane, far) => {
        if (far) this.#core.goFar();
        this.#laneUp(lane);
      },
      laneDown: (lane, reason) => this.#laneDown(lane, reason),
      lost: (from, end) => {
        this.#core.framesLost(from, end, clockMs());
        this.#rearm();
      },
      resized: (lane) => this.#core.laneResized(lane),
      pressure: () => this.#core.out,
      grow: (neededBytes) => this.#core.out.growWindows(neededBytes),
      failed: (sid, reason) => this.#core.attemptFailed(sid, 'webrtc', reason, clockMs()),
      frame: (lane, message) => this.#frame(lane, message, true),
      writable: () => this.#pump(),
      stalled: () => this.#count(Counter.gateStalls),
      datagram: (lost) => this.#count(lost ? Counter.datagramsLost : Counter.txDatagrams),
    });
    this.#direct = new DirectSessions(task.direct, task.rtc.bufferedHighBytes, {
      post: (message) => this.#post(message),
      laneUp: (lane, loopback) => {
        this.#laneUp(lane);
        // How far is it? No other lane of an own peer needs to know by asking.
        if (!loopback) this.#core.ping(PATH_TOKEN, clockMs());
      },
      laneDown: (lane, reason) => this.#laneDown(lane, reason),
      frame: (lane, message, lasting) => this.#frame(lane, message, lasting),
      writable: () => this.#pump(),
      count: (counter) => this.#count(counter),
    });
    this.#port.on('message', (message: ToChannel) => this.#handle(message));
  }

  /** Resolves when the channel was told to stop and everything it owned is gone. */
  get stopped(): Promise<void> {
    return this.#stopped;
  }

  /** Brings the gauges among the counters up to date: too dear with every frame, and nobody looks that often. */
  gauge(): void {
    const counters = this.#counters;
    counters[Counter.inFlightFrames] = this.#core.out.inFlightFrames;
    counters[Counter.openStreams] = this.#streams.liveStreams;
    counters[Counter.laneBufferedBytes] = this.#core.lane?.bufferedBytes() ?? 0;
    counters[Counter.backlogBytes] = this.#streams.backlogBytes;
  }

  #handle(message: ToChannel): void {
    const now = clockMs();
    switch (message.t) {
      case 'session-up':
        this.#wanting = false;
        this.#core.sessionUp(message, now);
        break;
      case 'peer-restarted':
        this.#core.forgetNumbers();
        this.#streams.resetAll('the peer was restarted');
        break;
      case 'peer-gone':
        this.#streams.peerGone?.('the peer closed its channel');
        break;
      case 'session-down':
        if (message.farewell && this.#core.out.inFlightFrames > 0) this.#lastWords(message.sid);
        else this.#endSession(message.sid, now);
        break;
      case 'rtc-start':
        this.#core.attemptBegins(message.sid, 'webrtc');
        this.#rtc.start(message);
        break;
      case 'rtc-remote':
        this.#rtc.setRemote(message.sid, message.member, message.type, message.sdp);
        break;
      case 'rtc-candidate':
        this.#rtc.addCandidate(message.sid, message.member, message.candidate, message.mid);
        break;
      case 'rtc-failed': {
        // Main gave up on the negotiation: a lane that is up all the same is not its to judge.
        this.#core.attemptFailed(message.sid, 'webrtc', message.reason, now);
        break;
      }
      case 'rtc-stripes':
        this.#rtc.begin(message.sid, message.most);
        break;
      case 'rtc-stop':
        if (message.member === undefined) this.#stopRtc(message.sid, 'the connection was replaced', now);
        else this.#rtc.stop(message.sid, message.member);
        break;
      case 'direct-start':
        this.#core.attemptBegins(message.sid, 'direct');
        this.#direct.start(message);
        break;
      case 'direct-peer':
        this.#direct.meet(message);
        break;
      case 'direct-failed':
        this.#core.attemptFailed(message.sid, 'direct', message.reason, now);
        break;
      case 'relay-there':
        this.#core.relayThere(message.there, now);
        break;
      case 'relay-rings':
        this.#relay = new RelayRings(message.out, message.in, {
          frame: (lane, bytes, lasting) => this.#frame(lane, bytes, lasting),
          broken: (lane) => this.#sealBroken(lane),
          repeat: () => this.#count(Counter.sealRepeats),
          writable: () => this.#pump(),
        });
        break;
      case 'relay-up':
        this.#relayUp(message.sid, message.binding);
        break;
      case 'relay-down':
        this.#relayDown(message.sid, message.reason, message.lossy, now);
        break;
      case 'relay-seal':
        // Never a second time: the same keys with a counter that begins anew would use nonces twice.
        if (!this.#seals.has(message.sid)) this.#seals.set(message.sid, message.seal === 'plain' ? 'plain' : new Seal(message.seal));
        this.#beginRelay(message.sid);
        break;
      case 'relay-refused':
        this.#core.relayRefused(message.sid, message.reason, now);
        break;
      case 'open':
        if (this.#streams instanceof ProgramStreams) this.#streams.open(message.out, message.in);
        break;
      case 'abandon':
        if (this.#streams instanceof ProgramStreams) this.#streams.abandon(message.reason);
        break;
      case 'ping':
        this.#core.ping(message.token, now);
        break;
      case 'profile':
        serveProfile(message.port, message.intervalUs);
        break;
      case 'stop':
        void this.#stop();
        break;
    }
    this.#streams.writable?.();
    this.#rearm();
  }

  #frame(lane: Lane, message: Uint8Array, lasting: boolean): void {
    if (this.#stopping) return;
    if (this.#firstPayloadSid === undefined) {
      this.#firstPayloadSid = lane.sid;
      this.#post({ t: 'first-payload', sid: lane.sid });
    }
    const now = clockMs();
    this.#core.frame(lane, message, lasting, now);
    if (!this.#steady.done) this.#watchSteady(now);
    if (this.#ending.size > 0 && this.#core.out.inFlightFrames === 0) for (const sid of this.#ending.keys()) this.#endEnding(sid);
    this.#rearm();
  }

  #watchSteady(now: number): void {
    const ms = this.#steady.carried((this.#counters[Counter.rxBytes] as number) + (this.#counters[Counter.txBytes] as number), now);
    if (ms !== undefined) this.#post({ t: 'steady', ms });
  }

  #pump(): void {
    if (this.#stopping) return;
    this.#core.pump(clockMs());
    this.#streams.writable?.();
    this.#rearm();
  }

  #laneUp(lane: Lane): void {
    this.#core.laneUp(lane, clockMs());
    this.#streams.writable?.();
    this.#rearm();
  }

  #laneDown(lane: Lane, reason: string): void {
    if (this.#stopping) return;
    const now = clockMs();
    this.#core.laneDown(lane, reason, now);
    if (lane.kind !== 'relay') this.#core.attemptFailed(lane.sid, lane.kind, reason, now);
    this.#endEnding(lane.sid);
    this.#rearm();
  }

  #relayUp(sid: string, binding: number): void {
    if (this.#relay === undefined || this.#relayLanes.has(sid)) return;
    this.#relayLanes.set(sid, this.#relay.add(sid, binding));
    this.#beginRelay(sid);
  }

  /** A relay lane is up once it is bound and knows how its frames go. */
  #beginRelay(sid: string): void {
    const lane = this.#relayLanes.get(sid);
    const seal = this.#seals.get(sid);
    if (lane === undefined || seal === undefined || lane.ready) return;
    lane.begin(seal);
    this.#laneUp(lane);
  }

  /** The relay changed or forged a frame. Nothing more is taken from it in this session. */
  #sealBroken(lane: RelayLane): void {
    if (this.#stopping) return;
    const reason = `a sealed frame of session ${lane.sid} was changed or forged on its way through the relay; nothing of it was taken`;
    this.#count(Counter.sealBroken);
    this.#relayLanes.delete(lane.sid);
    lane.close();
    this.#post({ t: 'seal-broken', sid: lane.sid, reason });
    this.#core.laneBroken(lane, reason, clockMs());
    this.#rearm();
  }

  #relayDown(sid: string, reason: string, lossy: boolean, now: number): void {
    const lane = this.#relayLanes.get(sid);
    if (lane === undefined) return;
    this.#relayLanes.delete(sid);
    lane.close();
    this.#core.laneDown(lane, reason, now, lossy);
  }

  #stopRtc(sid: string, reason: string, now: number): void {
    const lane = this.#rtc.stop(sid);
    if (lane !== undefined) this.#core.laneDown(lane, reason, now);
  }

  #endSession(sid: string, now: number): void {
    // The session first: its lanes then end as a matter of course, not as a loss.
    this.#core.sessionDown(sid, now);
    this.#stopRtc(sid, 'the session ended', now);
    this.#direct.stop(sid, 'the session ended');
    this.#relayDown(sid, 'the session ended', false, now);
    this.#seals.delete(sid);
  }

  /** The peer has ended the session, and frames of ours are not acknowledged: without its word for them their streams could not end in peace. */
  #lastWords(sid: string): void {
    if (this.#ending.has(sid)) return;
    this.#ending.set(
      sid,
      setTimeout(() => this.#endEnding(sid), LAST_WORDS_MS),
    );
  }

  #endEnding(sid: string): void {
    clearTimeout(this.#ending.get(sid));
    if (!this.#ending.delete(sid) || this.#stopping) return;
    this.#endSession(sid, clockMs());
    this.#rearm();
  }

  #wantSession(path?: string): void {
    if (this.#wanting) return;
    this.#wanting = true;
    this.#post({ t: 'want-session', ...(path === undefined ? {} : { path }) });
  }

  /** One timer for the core's next deadline; moved only when an earlier one appears, so the byte path seldom touches it. */
  #rearm(): void {
    if (this.#stopping) return;
    const at = this.#core.timeoutMs();
    if (at === undefined || at >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = at;
    this.#timer = setTimeout(
      () => {
        this.#timerAtMs = Number.POSITIVE_INFINITY;
        this.#core.tick(clockMs());
        this.#rearm();
      },
      // Rounded up: Node cuts off what is behind the point, and there would be nothing to do yet, and another timer to set.
      Math.max(1, Math.ceil(at - clockMs()) + 1),
    );
  }

  async #stop(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    const listenerClosed = this.#listener?.close();
    await this.#drain();
    this.#postNumbers();
    this.#stopping = true;
    clearTimeout(this.#timer);
    for (const timer of this.#ending.values()) clearTimeout(timer);
    this.#streams.destroy();
    this.#rtc.stopAll();
    this.#direct.stopAll();
    this.#relay?.close();
    await listenerClosed;
    // The addon reports the closing of its channels in a later turn; it must still find this thread alive.
    await new Promise((resolve) => setImmediate(resolve));
    this.#leave();
    this.#port.postMessage({ t: 'stopped' } satisfies FromChannel);
    this.#port.close();
    this.#resolveStopped();
  }

  /**
   * Lets what applications already wrote reach the other side, and what was delivered reach them; then ends the streams that are still
   * open with a reset that the peer hears of. Bounded: a peer or an application that does not take its bytes does not hold us up.
   */
  async #drain(): Promise<void> {
    const deadline = clockMs() + DRAIN_MS;
    const settle = async (until: number): Promise<void> => {
      while (clockMs() < until && (this.#core.lane !== undefined || this.#streams.flushing)) {
        this.#core.hasten(clockMs());
        if (this.#settled) return;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    this.#streams.quiesce();
    await settle(deadline);
    const { lane, out, ownPeer } = this.#core;
    if (ownPeer === false && lane?.kind === 'webrtc' && out.nextSeq > 1) await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    this.#streams.endAll('the daemon is shutting down');
    await settle(Math.min(deadline, clockMs() + RESET_MS));
    // A data channel that is closed forgets what it was given, and the last word may be the acknowledgement that lets the peer leave too.
    if (ownPeer === true && this.#core.lane?.kind === 'webrtc') await new Promise((resolve) => setTimeout(resolve, OWN_LINGER_MS));
  }

  /**
   * Nothing waits to be sent, acknowledged by either side, or written. A peer whose last bytes nobody acknowledged could not know that they
   * came; an upstream peer acknowledges nothing: there the lane must be empty.
   */
  get #settled(): boolean {
    const { lane, out, ownPeer } = this.#core;
    if (this.#streams.flushing) return false;
    if (lane === undefined) return true;
    // What is in the ring to the relay worker when this channel leaves goes with it, and with it perhaps the last acknowledgement.
    const gone = (ownPeer !== false && lane.kind !== 'relay') || lane.bufferedBytes() === 0;
    return !out.pending && out.inFlightFrames === 0 && gone && (ownPeer !== true || this.#core.in.ackDueMs === undefined);
  }

  #count(counter: number): void {
    this.#counters[counter] = (this.#counters[counter] as number) + 1;
  }

  #postNumbers(): void {
    const numbers = this.#core.endNumbers();
    if (numbers.length > 0) this.#post({ t: 'numbers', numbers });
  }

  #post(message: FromChannel): void {
    if (!this.#stopping) this.#port.postMessage(message);
  }
}
