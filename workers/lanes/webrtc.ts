// One peer connection with its data channel: the `webrtc` lane of one session, and its half of the SDP exchange. The offerer creates the
// channel `hotlink`; the answerer takes whatever channel comes (wire.md 5.1, 5.2). Channel worker thread.
//
// Traps of the addon that this file answers: an exception inside one of its callbacks aborts the process, so every callback is wrapped;
// a candidate before the remote description throws, so they are queued; dropping the last reference closes the connection, so the owner
// holds this object; `onBufferedAmountLow` fires on a crossing only, so the gate looks at the amount before it trusts the event; each callback
// that is registered is a handle of the event loop, and all of them are looked at on each wake-up of the thread, so only what is needed is.

import type { DataChannel, PeerConnection, RtcConfig } from 'node-datachannel';
import { SendGate } from '../../native-free/gate.js';
import { HEADER_BYTES } from '../../native-free/hlnk/constants.js';
import type { Lane, SendVerdict } from '../../native-free/lane.js';
import { seqOf } from '../../native-free/stripes/on-its-way.js';
import type { Addon } from '../addon.js';
import { clockMs } from '../clock.js';
import type { IceSettings, RtcSettings } from '../messages.js';
import { DatagramTrack } from './datagram-track.js';
import { parseIceServers } from './ice-servers.js';

/** A Rust peer's receive buffer: a larger message closes the channel on its side (wire.md 5.4). */
const RUST_MESSAGE_BYTES = 65_535;
/** Largest message between own peers: a 1 MiB chunk with its head. */
const OWN_MESSAGE_BYTES = 1_048_576 + 8192;
const LABEL = 'hotlink';
/**
 * How long an answerer leaves the first connectivity check to the offerer, ms. The library drops DTLS that arrives before its own ICE is
 * connected, and a lost ClientHello costs a second; the answerer sends it, so the offerer should be connected first (measured: a third
 * of all sessions lost that second). An answerer that cannot be reached from outside pays this much instead.
 */
const ANSWERER_HOLD_MS = 250;

export interface WebRtcEvents {
  description(type: 'offer' | 'answer', sdp: string): void;
  candidate(candidate: string, mid: string): void;
  gathered(sdp: string): void;
  open(lane: WebRtcLane, local: string, remote: string): void;
  /** Over, or never came up. Reported once, not for one's own close. */
  closed(lane: WebRtcLane, reason: string): void;
  frame(lane: WebRtcLane, message: Uint8Array): void;
  writable(lane: WebRtcLane): void;
  /** The data channel reached its high watermark. */
  stalled(lane: WebRtcLane): void;
  /** A small frame went as a datagram, or got lost as one and goes over the data channel. */
  datagram(lost: boolean): void;
}

export interface WebRtcConfig {
  sid: string;
  role: 'offerer' | 'answerer';
  /** The peer is another copy of this program. */
  own: boolean;
  mtu: number;
  /** Whether the path carries packets of this size is to be found out first. */
  probed: boolean;
  /** Both ends are on this machine: the connection stays on 127.0.0.1. */
  loopback: boolean;
  /** Small frames may go as datagrams where the peer is near. */
  datagrams: boolean;
  ice: IceSettings;
  settings: RtcSettings;
}

export class WebRtcLane implements Lane {
  readonly kind = 'webrtc';
  readonly sid: string;
  /** Both ends are on this machine. */
  readonly loopback: boolean;
  /** Largest packet, IP headers included, bytes. */
  readonly mtu: number;
  /** Whether the path carries such a packet is to be found out first. */
  readonly probed: boolean;
  readonly #pc: PeerConnection;
  readonly #events: WebRtcEvents;
  readonly #gate: SendGate;
  readonly #own: boolean;
  readonly #lowBytes: number;
  #channel: DataChannel | undefined;
  #datagrams: DatagramTrack | undefined;
  #maxFrameBytes = RUST_MESSAGE_BYTES;
  #open = false;
  #closed = false;
  #described = false;
  #candidates: { candidate: string; mid: string }[] = [];
  /** Kinds of the peer's candidates by address and port, as it told them. */
  readonly #remoteKinds = new Map<string, string>();
  #deadline: NodeJS.Timeout | undefined;
  #hold: NodeJS.Timeout | undefined;

  constructor(addon: Addon, { sid, role, own, mtu, probed, loopback, datagrams, ice, settings }: WebRtcConfig, events: WebRtcEvents) {
    this.sid = sid;
    this.loopback = loopback;
    this.mtu = mtu;
    this.probed = probed;
    this.#own = own;
    this.#events = events;
    this.#lowBytes = settings.bufferedHighBytes >> 1;
    this.#gate = new SendGate({ highBytes: settings.bufferedHighBytes, lowBytes: this.#lowBytes, waitMs: settings.backpressureWaitMs });
    const config: RtcConfig = {
      // The stack offers no loopback candidate of its own accord; bound to the address, it offers that one alone. So two ends of one
      // machine need no other network, and nothing of it is visible from outside.
      ...(loopback
        ? { bindAddress: '127.0.0.1', iceServers: [] }
        : { iceServers: parseIceServers(ice.iceServers, ice.turnUser, ice.turnPass).servers }),
      mtu,
      // A Rust peer is told 64 KiB, as it tells us; more only between own peers.
      maxMessageSize: own ? OWN_MESSAGE_BYTES : 65_536,
    };
    this.#pc = new addon.PeerConnection(`hotlink ${sid.slice(0, 8)}`, config);
    this.#pc.onLocalDescription((sdp, type) => this.#guard(() => this.#events.description(type as 'offer' | 'answer', sdp)));
    this.#pc.onLocalCandidate((candidate, mid) => this.#guard(() => this.#events.candidate(candidate, mid)));
    this.#pc.onGatheringStateChange((state) =>
      this.#guard(() => {
        if (state === 'complete' && !this.#closed) this.#events.gathered(this.#pc.localDescription()?.sdp ?? '');
      }),
    );
    this.#pc.onStateChange((state) =>
      this.#guard(() => {
        if (state === 'failed') this.#lost('ICE found no path to the peer');
        else if (state === 'disconnected') this.#lost('the peer stopped answering');
        else if (state === 'closed') this.#lost('the peer connection was closed');
      }),
    );
    if (datagrams) this.#datagrams = this.#datagramTrack(addon, role);
    this.#pc.onDataChannel((channel) => this.#guard(() => this.#offered(channel)));
    if (role === 'offerer') this.#adopt(this.#pc.createDataChannel(LABEL));
  }

  get maxFrameBytes(): number {
    return this.#maxFrameBytes;
  }
  get isOpen(): boolean {
    return this.#open && !this.#closed;
  }
  get stalls(): number {
    return this.#gate.stalls;
  }
  /** Round trip as the stack measures it, ms, queues on the path included and its own not; 0 before there is one. */
  get rttMs(): number {
    if (!this.isOpen) return 0;
    try {
      return this.#pc.rtt();
    } catch {
      return 0;
    }
  }

  /** @returns the reason when the description was refused */
  setRemote(type: 'offer' | 'answer', sdp: string): string | undefined {
    if (this.#closed) return undefined;
    if (type === 'answer') for (const [, candidate] of sdp.matchAll(/^a=(candidate:\S.*)$/gm)) this.#noteKind(candidate as string);
    try {
      this.#pc.setRemoteDescription(type === 'offer' ? this.#withoutCandidates(sdp) : sdp, type);
    } catch (error) {
      return (error as Error).message;
    }
    if (type === 'answer') this.#takeCandidates();
    else this.#hold = setTimeout(() => this.#guard(() => this.#takeCandidates()), ANSWERER_HOLD_MS);
    return undefined;
  }

  /** From now on candidates go straight to the addon. */
  #takeCandidates(): void {
    this.#described = true;
    for (const { candidate, mid } of this.#candidates.splice(0)) this.addCandidate(candidate, mid);
  }

  #noteKind(candidate: string): void {
    const [, , , , address, port, , kind] = candidate.split(' ');
    // Without a NAT in between the same address comes as both, and `host` is what it is.
    if (kind === 'host' || (kind !== undefined && !this.#remoteKinds.has(`${address} ${port}`)))
      this.#remoteKinds.set(`${address} ${port}`, kind);
  }

  #withoutCandidates(sdp: string): string {
    const mid = /^a=mid:(\S+)/m.exec(sdp)?.[1] ?? '0';
    return sdp.replace(/^a=(candidate:[^\r\n]*|end-of-candidates)\r?\n/gm, (_line, attribute: string) => {
      if (attribute.startsWith('candidate:')) this.addCandidate(attribute, mid);
      return '';
    });
  }

  /** Queued until the remote description is set and an answerer's hold is over. A candidate the addon cannot read is dropped: others may do. */
  addCandidate(candidate: string, mid: string): void {
    if (this.#closed) return;
    this.#noteKind(candidate);
    if (!this.#described) {
      this.#candidates.push({ candidate, mid });
      return;
    }
    try {
      this.#pc.addRemoteCandidate(candidate, mid);
    } catch {
      // unreadable or of a kind this stack does not know (mDNS, TCP)
    }
  }

  trySend(frame: Uint8Array, urgent = false): SendVerdict {
    const channel = this.#channel;
    if (channel === undefined || !this.isOpen) return 'closed';
    if (frame.length > this.#maxFrameBytes) return 'oversize';
    const numbered = isNumbered(frame);
    try {
      if (!urgent) {
        const nowMs = clockMs();
        // Only numbered frames: what else there is may count on its place among them.
        if (numbered && this.#datagrams?.offer(frame, nowMs) === true) {
          this.#events.datagram(false);
          return 'taken';
        }
        const verdict = this.#gate.observe(channel.bufferedAmount(), nowMs);
        if (verdict !== 'open') {
          if (verdict === 'expired') this.#expired();
          else this.#armDeadline();
          return this.#closed ? 'closed' : 'full';
        }
      }
      channel.sendMessageBinary(frame);
      this.#datagrams?.sentOnChannel(numbered);
      return 'taken';
    } catch (error) {
      const message = (error as Error).message;
      // The text of the library's own limit, and of upstream's (wire.md 5.4).
      if (/message size exceeds limit|larger than maximum message size/i.test(message)) return 'oversize';
      queueMicrotask(() => this.#lost(message));
      return 'closed';
    }
  }

  /** From now on small frames go over the data channel, too. */
  retireDatagrams(): void {
    this.#datagrams?.retire();
  }

  bufferedBytes(): number {
    if (this.#channel === undefined || !this.isOpen) return 0;
    try {
      return this.#channel.bufferedAmount();
    } catch {
      return 0;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#deadline);
    clearTimeout(this.#hold);
    try {
      this.#datagrams?.close();
      this.#channel?.close();
      this.#pc.close();
    } catch {
      // already gone
    }
  }

  /** The peer opened a channel. One too many is closed: nobody would read it, and the stack would keep what comes on it. */
  #offered(channel: DataChannel): void {
    if (this.#channel === undefined) this.#adopt(channel);
    else channel.close();
  }

  #adopt(channel: DataChannel): void {
    this.#channel = channel;
    channel.setBufferedAmountLowThreshold(this.#lowBytes);
    channel.onOpen(() => this.#guard(() => this.#opened(channel)));
    channel.onClosed(() => this.#guard(() => this.#lost('the data channel was closed')));
    channel.onError((error) => this.#guard(() => this.#lost(error)));
    channel.onBufferedAmountLow(() => this.#guard(() => this.#low()));
    channel.onMessage((message) =>
      this.#guard(() => {
        if (this.#closed) return;
        // Text frames are read as bytes, as the Rust client does.
        const bytes =
          typeof message === 'string' ? Buffer.from(message) : message instanceof ArrayBuffer ? new Uint8Array(message) : message;
        if (this.#datagrams?.heardOnChannel(bytes, isNumbered(bytes)) !== true) this.#events.frame(this, bytes);
      }),
    );
    // The answerer may be handed a channel that is open already.
    if (channel.isOpen()) this.#opened(channel);
  }

  #opened(channel: DataChannel): void {
    if (this.#open || this.#closed) return;
    this.#open = true;
    this.#maxFrameBytes = this.#own ? channel.maxMessageSize() : Math.min(channel.maxMessageSize(), RUST_MESSAGE_BYTES);
    const pair = this.#pc.getSelectedCandidatePair();
    this.#events.open(this, pair?.local.type ?? 'unknown', pair === null ? 'unknown' : this.#kindOf(pair.remote));
    // No frame comes before the lane is known.
    if (this.isOpen) this.#datagrams?.begin();
  }

  /** The library calls a peer reflexive whose packet came before its candidate; what the peer said of that address tells more. */
  #kindOf({ address, port, type }: { address: string; port: number; type: string }): string {
    return type === 'prflx' ? (this.#remoteKinds.get(`${address} ${port}`) ?? type) : type;
  }

  #datagramTrack(addon: Addon, role: 'offerer' | 'answerer'): DatagramTrack {
    return new DatagramTrack(addon, this.#pc, role, this.mtu, {
      guard: (action) => this.#guard(action),
      frame: (frame) => this.#events.frame(this, frame),
      repair: (message) => this.#repair(message),
    });
  }

  /** @returns whether it went over the data channel */
  #repair(message: Uint8Array): boolean {
    // With the lane goes what is under way on it: the core sends it again.
    if (!this.isOpen) return false;
    try {
      this.#channel?.sendMessageBinary(message);
    } catch (error) {
      queueMicrotask(() => this.#lost((error as Error).message));
      return false;
    }
    this.#events.datagram(true);
    return true;
  }

  #low(): void {
    if (this.#closed || !this.#gate.closed) return;
    if (this.#gate.observe(this.bufferedBytes(), clockMs()) !== 'open') return;
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    this.#events.writable(this);
  }

  #armDeadline(): void {
    if (this.#deadline !== undefined) return;
    this.#events.stalled(this);
    const due = this.#gate.deadlineMs();
    if (due === undefined) return;
    this.#deadline = setTimeout(() => this.#guard(() => this.#deadlinePassed()), Math.max(1, due - clockMs()));
  }

  #deadlinePassed(): void {
    this.#deadline = undefined;
    if (this.#closed) return;
    const verdict = this.#gate.observe(this.bufferedBytes(), clockMs());
    if (verdict === 'open') this.#events.writable(this);
    else if (verdict === 'expired') this.#expired();
    else this.#armDeadline();
  }

  #expired(): void {
    this.#lost(`the data channel took nothing for the whole backpressure wait, ${this.bufferedBytes()} bytes waiting`);
  }

  #lost(reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#events.closed(this, reason);
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      // Must not reach the addon. It is a bug of ours, so it is loud: the lane ends and says why.
      const reason = `internal error in a callback: ${(error as Error).stack ?? String(error)}`;
      setImmediate(() => this.#lost(reason));
    }
  }
}

/** Only those have a place that counts; a repair has one, too, and is none of these. */
function isNumbered(frame: Uint8Array): boolean {
  return frame.length >= HEADER_BYTES && seqOf(frame) > 0;
}
