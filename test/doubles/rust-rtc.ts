// The WebRTC half of the Rust client's double, on werift: another stack than ours. Full trickle, candidates with an empty mid, no
// `a=max-message-size`, a receive buffer of 65,535 bytes, and nothing that notices a failure. wire.md 5.1 to 5.8. Loopback only.
import { type RTCDataChannel, RTCPeerConnection } from 'werift';

/** A larger message is a short-buffer error that closes the channel (wire.md 5.4). */
const RECEIVE_BYTES = 65_535;
const SEND_BYTES = 65_536;
const BUFFERED_HIGH_BYTES = 1_048_576;
/** What does not fit its buffer after this long goes through the relay, ms. */
const BACKPRESSURE_MS = 1500;

export interface RustRtcEvents {
  signal(knd: string, tok: string): void;
  frame(message: Uint8Array): void;
}

export class RustRtc {
  /** The data channel was open once; never taken back. */
  ready = false;
  /** Messages that did not fit the receive buffer. */
  tooLarge = 0;
  label = '';
  /** Kinds of the sections that it was offered. */
  offered: string[] = [];
  readonly #pc: RTCPeerConnection;
  readonly #events: RustRtcEvents;
  readonly #backpressureMs: number;
  #channel: RTCDataChannel | undefined;
  #described = false;
  readonly #queued: string[] = [];

  constructor(events: RustRtcEvents, backpressureMs = BACKPRESSURE_MS) {
    this.#events = events;
    this.#backpressureMs = backpressureMs;
    this.#pc = new RTCPeerConnection({ iceUseIpv6: false });
    this.#pc.onIceCandidate.subscribe((candidate) => {
      if (candidate?.candidate === undefined) return;
      events.signal(
        'ice_candidate',
        JSON.stringify({ candidate: candidate.candidate, sdpMid: '', sdpMLineIndex: 0, usernameFragment: null }),
      );
    });
    // The answerer takes whatever channel comes, and the latest one.
    this.#pc.onDataChannel.subscribe((channel) => this.#use(channel));
  }

  /** Acceptor: offers, without candidates. */
  async offer(): Promise<void> {
    this.#use(this.#pc.createDataChannel('hotlink'));
    const offer = await this.#pc.createOffer();
    this.#onLoopback();
    this.#events.signal('sdp_offer', JSON.stringify({ sdp: rustSdp(offer.sdp), type: 'offer' }));
    await this.#pc.setLocalDescription(offer);
  }

  /** Opener: answers, again if it is asked again. */
  async answer(tok: string): Promise<void> {
    const { sdp } = JSON.parse(tok) as { sdp: string };
    this.offered = [...sdp.matchAll(/^m=(\S+)/gm)].map(([, kind]) => kind as string);
    await this.#pc.setRemoteDescription({ type: 'offer', sdp });
    this.#onLoopback();
    await this.#flush();
    const answer = await this.#pc.createAnswer();
    this.#events.signal('sdp_answer', JSON.stringify({ sdp: rustSdp(answer.sdp), type: 'answer' }));
    await this.#pc.setLocalDescription(answer);
  }

  async applyAnswer(tok: string): Promise<void> {
    await this.#pc.setRemoteDescription({ type: 'answer', sdp: (JSON.parse(tok) as { sdp: string }).sdp });
    await this.#flush();
  }

  async candidate(tok: string): Promise<void> {
    const { candidate } = JSON.parse(tok) as { candidate: string };
    if (!this.#described) this.#queued.push(candidate);
    else await this.#add(candidate);
  }

  /** @throws Error with upstream's words when the message is too large or the channel stuck */
  async send(frame: Uint8Array): Promise<void> {
    if (frame.length > SEND_BYTES) throw new Error('outbound packet larger than maximum message size');
    const channel = this.#channel;
    if (channel?.readyState !== 'open') throw new Error('data channel closed');
    const until = performance.now() + this.#backpressureMs;
    while (channel.bufferedAmount > BUFFERED_HIGH_BYTES) {
      if (performance.now() > until) throw new Error('backpressure timeout');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    channel.send(Buffer.from(frame));
  }

  async close(): Promise<void> {
    await this.#pc.close();
  }

  /** Cuts the data channel only, as a lost path does in the end. */
  cut(): void {
    this.#channel?.close();
  }

  #use(channel: RTCDataChannel): void {
    this.#channel = channel;
    this.label = channel.label;
    const opened = (): void => {
      if (channel.readyState === 'open') this.ready = true;
    };
    opened();
    channel.stateChanged.subscribe(opened);
    channel.onMessage.subscribe((message) => {
      const bytes = typeof message === 'string' ? Buffer.from(message) : message;
      if (bytes.length <= RECEIVE_BYTES) this.#events.frame(Uint8Array.from(bytes));
      else {
        this.tooLarge += 1;
        channel.close();
      }
    });
  }

  async #flush(): Promise<void> {
    this.#described = true;
    for (const candidate of this.#queued.splice(0)) await this.#add(candidate);
  }

  async #add(candidate: string): Promise<void> {
    await this.#pc.addIceCandidate({ candidate, sdpMid: '0', sdpMLineIndex: 0 });
  }

  /** werift offers no loopback candidate by itself, and asks a public STUN server when it is told of none. */
  #onLoopback(): void {
    for (const { connection } of this.#pc.iceTransports) {
      const inside = connection as unknown as {
        stunServer: unknown;
        getCandidatePromises(addresses: string[], seconds?: number): Promise<unknown>[];
      };
      inside.stunServer = undefined;
      const gather = inside.getCandidatePromises.bind(inside);
      inside.getCandidatePromises = (_addresses, seconds) => gather(['127.0.0.1'], seconds);
    }
  }
}

function rustSdp(sdp: string): string {
  return sdp.replace(/^a=(max-message-size|candidate|end-of-candidates).*\r?\n/gm, '');
}
