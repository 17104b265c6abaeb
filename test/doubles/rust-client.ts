// The Rust client as wire.md describes it (2.4, 2.5, 4.2 to 4.8, 5, 11): WebRTC with the relay as fallback, five inbound keys, its own
// marker's path outward, "send anyway" after an unanswered Open, and sessions it adopts in p2p-only mode. Its applications dial a real port.
import { randomUUID } from 'node:crypto';
import { bytesOf, type Fields, rustFrame, rustRead, Typ, textOf, type Wire } from './dialect.js';
import { hlnkFrame, readHlnk } from './hlnk.js';
import { findMarkers } from './markers.js';
import { Scheduler } from './queue.js';
import { directoryOf, rustKeys } from './rust-keys.js';
import { RustPort } from './rust-port.js';
import { RustReceiver } from './rust-receiver.js';
import { RustRtc, type RustRtcEvents } from './rust-rtc.js';
import { WireSocket } from './wire-socket.js';

const ACCEPT_MS = 1500;
const P2P_READY_MS = 10_000;
const ADOPT_MS = 1500;

export interface RustClientOptions {
  server: string;
  email: string;
  datasites: string;
  p2pOnly?: boolean;
  strict?: boolean;
  /** `SYFTBOX_HOTLINK_WS_FALLBACK_GRACE_MS`. */
  graceMs?: number;
  /** How long a full data channel may stand still before a chunk goes through the relay, ms. Upstream's 1.5 s are less than a loaded machine may need. */
  backpressureMs?: number;
  /** Chunk size of the TCP proxy. */
  chunkBytes?: number;
  /** False: as with the default server header, every peer connection fails at once (R2). */
  webrtc?: boolean;
  /** How long its read loop stands still at first, as over an await of its own (R6), ms. */
  stallMs?: number;
  seed?: number;
}

interface Session {
  sid: string;
  path: string;
  remote: string;
  rtc: RustRtc | undefined;
}
interface Outbound extends Session {
  seq: number;
  accepted: boolean;
  adopted: boolean;
  rejected: string;
  fellBack: boolean;
}

export class RustClient {
  /** What it counts for telemetry. */
  readonly counts = { p2p: 0, ws: 0, wsFallbacks: 0, strictViolations: 0, lostChunks: 0, lostCandidates: 0, panics: 0 };
  readonly ignoredSignals: string[] = [];
  readonly openedPaths: string[] = [];
  readonly rejects: string[] = [];
  /** Largest message that arrived on a data channel, bytes. */
  largestFrameBytes = 0;
  readonly #options: RustClientOptions;
  readonly #scheduler: Scheduler;
  readonly #outbound = new Map<string, Outbound>();
  readonly #inbound = new Map<string, Session>();
  readonly #ports: RustPort[] = [];
  readonly #receiver = new RustReceiver();
  /** Peer by canonical key, which is looked up by outbound path (R15). */
  readonly #peers = new Map<string, string>();
  #socket: WireSocket | undefined;
  /** The read loop: one message after the other, waits included (R6). */
  #reading: Promise<void> = Promise.resolve();
  #over = false;

  private constructor(options: RustClientOptions) {
    this.#options = options;
    this.#scheduler = new Scheduler(options.seed ?? 11);
  }

  static async start(options: RustClientOptions): Promise<RustClient> {
    const client = new RustClient(options);
    const { stallMs = 0 } = options;
    if (stallMs > 0) client.#reading = new Promise((resolve) => setTimeout(resolve, stallMs));
    client.#socket = await WireSocket.dial({
      server: options.server,
      email: options.email,
      write: rustFrame,
      read: rustRead,
      message: (wire) => {
        client.#reading = client.#reading.then(() => client.#handle(wire));
      },
    });
    const known = new Set<string>();
    for (const marker of findMarkers(options.datasites)) {
      const keys = rustKeys(marker, options.email);
      if (known.has(keys.canonical)) continue;
      known.add(keys.canonical);
      client.#peers.set(keys.canonical, marker.from === options.email ? marker.to : marker.from);
      const port = await RustPort.listen(marker.ports[options.email] ?? marker.port, options.chunkBytes ?? 61_440, (chunk) =>
        client.#sendChunk(keys.local, chunk),
      );
      client.#ports.push(port);
      for (const key of keys.inbound) client.#receiver.map(key, port);
    }
    return client;
  }

  /** Frames that found no application, and left a gap. */
  get lostFrames(): number {
    return this.#receiver.lostFrames;
  }
  /** Messages that its decoder refused. */
  get undecodable(): number {
    return this.#socket?.undecodable ?? 0;
  }
  /** Sessions, either direction, whose data channel opened. */
  get connected(): number {
    return [...this.#inbound.values(), ...this.#outbound.values()].filter(({ rtc }) => rtc?.ready === true).length;
  }
  get tooLarge(): number {
    return [...this.#inbound.values(), ...this.#outbound.values()].reduce((sum, { rtc }) => sum + (rtc?.tooLarge ?? 0), 0);
  }
  /** Label of a data channel that was taken or made. */
  get labels(): string[] {
    return [...this.#inbound.values(), ...this.#outbound.values()].flatMap(({ rtc }) => (rtc === undefined ? [] : [rtc.label]));
  }
  /** Kinds of the sections that it was offered, in all sessions. */
  get offered(): string[] {
    return [...this.#inbound.values(), ...this.#outbound.values()].flatMap(({ rtc }) => rtc?.offered ?? []);
  }
  get adopted(): number {
    return [...this.#outbound.values()].filter(({ adopted }) => adopted).length;
  }
  get outboundSeqs(): number[] {
    return [...this.#outbound.values()].map(({ seq }) => seq);
  }
  get inboundSids(): string[] {
    return [...this.#inbound.keys()];
  }

  sendRaw(typ: number, dat: Fields): void {
    this.#send(typ, dat);
  }

  /** Sends a frame as it is on the data channel of the session it opened, for tests of what a peer may send. */
  async sendFrame(seq: number, payload: Uint8Array): Promise<void> {
    for (const { path, rtc } of this.#outbound.values()) await rtc?.send(hlnkFrame(path, '', seq, payload));
  }

  /** Ends the sessions that the peer opened; the peer has to open anew. */
  closeInbound(reason: string): void {
    for (const sid of this.#inbound.keys()) this.#send(Typ.close, { sid, rsn: reason });
    this.#inbound.clear();
  }

  /** Every data channel is gone; nothing here notices before the next send. */
  cutChannels(): void {
    for (const { rtc } of [...this.#inbound.values(), ...this.#outbound.values()]) rtc?.cut();
  }

  async close(): Promise<void> {
    this.#over = true;
    this.#receiver.close();
    for (const port of this.#ports) port.close();
    const connections = new Set([...this.#inbound.values(), ...this.#outbound.values()].map(({ rtc }) => rtc));
    await Promise.all([...connections].map((rtc) => rtc?.close()));
    await this.#socket?.close();
  }

  // --- in ------------------------------------------------------------------------------------------------------------------------

  async #handle({ typ, dat }: Wire): Promise<void> {
    const sid = textOf(dat['sid']);
    switch (typ) {
      case Typ.open:
        this.#open(sid, dat);
        return;
      case Typ.accept: {
        const outbound = this.#outboundOf(sid);
        if (outbound !== undefined) outbound.accepted = true;
        return;
      }
      case Typ.reject: {
        // Only noted: the session goes on being used (R3).
        this.rejects.push(textOf(dat['rsn']));
        const outbound = this.#outboundOf(sid);
        if (outbound !== undefined) outbound.rejected = textOf(dat['rsn']);
        return;
      }
      case Typ.close:
        this.#inbound.delete(sid);
        return;
      case Typ.signal:
        // A task each.
        void this.#scheduler.late(2).then(() => this.#signal(sid, textOf(dat['knd']), textOf(dat['tok'])));
        return;
      case Typ.data:
        if (this.#inbound.has(sid)) await this.#receiver.deliver(sid, textOf(dat['pth']), Number(dat['seq']), bytesOf(dat['pay']));
        return;
      default:
    }
  }

  #open(sid: string, dat: Fields): void {
    // A slice of eight bytes without a look at the length (R7).
    if (sid.length < 8) this.counts.panics += 1;
    const path = textOf(dat['pth']);
    this.openedPaths.push(path);
    if (!path.endsWith('stream.tcp.request')) return;
    const session: Session = { sid, path, remote: textOf(dat['frm']) || (path.split('/')[0] ?? ''), rtc: undefined };
    this.#inbound.set(sid, session);
    this.#send(Typ.accept, { sid });
    if (this.#options.webrtc === false) return;
    session.rtc = this.#makeRtc(sid);
    void session.rtc.offer().catch(() => {});
  }

  async #signal(sid: string, knd: string, tok: string): Promise<void> {
    if (this.#over) return;
    const inbound = this.#inbound.get(sid);
    const outbound = this.#outboundOf(sid);
    try {
      if (knd === 'sdp_offer' && outbound !== undefined) {
        outbound.rtc ??= this.#makeRtc(sid);
        await outbound.rtc.answer(tok);
      } else if (knd === 'sdp_answer' && inbound?.rtc !== undefined) await inbound.rtc.applyAnswer(tok);
      else if (knd === 'ice_candidate') {
        const rtc = inbound?.rtc ?? outbound?.rtc;
        // No peer connection yet: lost (wire.md 5.6).
        if (rtc === undefined) this.counts.lostCandidates += 1;
        else await rtc.candidate(tok);
      } else if (!['sdp_offer', 'sdp_answer', 'webrtc_error'].includes(knd)) this.ignoredSignals.push(knd);
    } catch {
      // A second answer, a candidate that cannot be read: logged upstream, no more.
    }
  }

  #makeRtc(sid: string): RustRtc {
    let delivering = Promise.resolve();
    const events: RustRtcEvents = {
      signal: (knd, tok) => this.#send(Typ.signal, { sid, knd, tok }),
      frame: (message) => {
        this.largestFrameBytes = Math.max(this.largestFrameBytes, message.length);
        const frame = readHlnk(message);
        if (frame === undefined) return;
        delivering = delivering.then(() => this.#receiver.deliver(sid, frame.path, frame.seq, frame.payload));
      },
    };
    return new RustRtc(events, this.#options.backpressureMs);
  }

  // --- out -----------------------------------------------------------------------------------------------------------------------

  /** The number is used up before the send, and a failed send leaves a gap (R4). */
  async #sendChunk(path: string, payload: Uint8Array): Promise<void> {
    const session = await this.#sessionFor(path);
    if (session === undefined) {
      this.counts.lostChunks += 1;
      return;
    }
    session.seq += 1;
    const seq = session.seq;
    const { p2pOnly, strict, graceMs } = this.#options;
    const patienceMs = p2pOnly ? P2P_READY_MS : seq <= 3 ? (graceMs ?? 1500) : 0;
    for (let left = patienceMs; left > 0 && session.rtc?.ready !== true; left -= 100)
      await new Promise((resolve) => setTimeout(resolve, 100));
    if (session.rtc?.ready) {
      try {
        await session.rtc.send(hlnkFrame(path, '', seq, payload));
        this.counts.p2p += 1;
        return;
      } catch {
        // falls through to the relay, under the same number
      }
    }
    if (p2pOnly || strict) {
      this.counts.lostChunks += 1;
      if (strict) this.counts.strictViolations += 1;
      return;
    }
    if (!session.fellBack) this.counts.wsFallbacks += 1;
    session.fellBack = true;
    this.counts.ws += 1;
    this.#send(Typ.data, { sid: session.sid, seq, pth: path, etg: '', pay: payload });
    await this.#socket?.drained();
  }

  async #sessionFor(path: string): Promise<Outbound | undefined> {
    const directory = directoryOf(path);
    const { email, p2pOnly, strict } = this.#options;
    const known = this.#outbound.get(directory);
    if (known !== undefined && (p2pOnly || !known.adopted)) return known;
    if (p2pOnly) {
      const waitMs = path.startsWith(`${email}/`) ? ADOPT_MS : 0;
      for (let waitedMs = 0; waitedMs <= waitMs; waitedMs += 100) {
        const inbound = [...this.#inbound.values()].find(({ path: other, remote }) => directoryOf(other) === directory && remote !== email);
        if (inbound !== undefined) {
          const adopted: Outbound = { ...inbound, seq: 0, accepted: true, adopted: true, rejected: '', fellBack: false };
          this.#outbound.set(directory, adopted);
          return adopted;
        }
        if (waitedMs < waitMs) await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    const sid = randomUUID();
    const session: Outbound = {
      sid,
      path,
      remote: '',
      rtc: undefined,
      seq: 0,
      accepted: false,
      adopted: false,
      rejected: '',
      fellBack: false,
    };
    this.#outbound.set(directory, session);
    this.#send(Typ.open, { sid, pth: path, to: this.#peers.get(path) });
    for (let waitedMs = 0; waitedMs < ACCEPT_MS && !session.accepted; waitedMs += 20)
      await new Promise((resolve) => setTimeout(resolve, 20));
    if (session.accepted || !strict) return session;
    this.counts.strictViolations += 1;
    this.#outbound.delete(directory);
    return undefined;
  }

  #outboundOf(sid: string): Outbound | undefined {
    return [...this.#outbound.values()].find((session) => session.sid === sid);
  }

  #send(typ: number, dat: Fields): void {
    this.#socket?.send({ id: randomUUID(), typ, dat });
  }
}
