// The further connections of striped WebRTC lanes: brings a lane to as many as its worker asks for, and takes those that the peer offers, each with an SDP
// exchange of its own inside signals of our kind. Whoever wants one offers it. They end with the session's first connection, whose exchange is
// rtc-exchanges.ts's; the worker closes them. Own peers only. Main thread.

import {
  CandidateFilter,
  formatStripeHello,
  formatStripeSignal,
  MessageType,
  Negotiation,
  type NegotiationOutput,
  parseDescription,
  parseStripeHello,
  parseStripeSignal,
  type SignalMessage,
  STRIPE_SIGNAL,
  sdpCertificate,
} from '../../native-free/index.js';
import { withoutTurn } from '../../workers/lanes/ice-servers.js';
import { mostConnections } from '../../workers/lanes/stripe-count.js';
import { AddressRules } from './address-rules.js';
import { allAddresses, outwardInterfaces } from './addresses.js';
import type { ChannelEvents, ChannelOptions } from './channel-options.js';
import type { ChannelSessions } from './channel-sessions.js';
import type { ChannelWorker } from './channel-worker.js';
import { isDue, soonest } from './deadline.js';
import { PathMtu, smallestMtu } from './path-mtu.js';
import type { RtcMessage } from './rtc-exchanges.js';
import type { SessionRecord } from './session-record.js';
import type { Trust } from './trust.js';

interface Member {
  negotiation: Negotiation;
  lossy: boolean;
}

/** Further connections of one session. */
interface Members {
  /** The exchange of the first connection: with another one, these are gone. */
  first: Negotiation;
  byName: Map<string, Member>;
  /** Of names that this side made up. */
  lastNumber: number;
  /** Undefined before the first of them. */
  mtu: PathMtu | undefined;
}

export class StripeExchanges {
  readonly #options: ChannelOptions;
  readonly #sessions: ChannelSessions;
  readonly #worker: ChannelWorker;
  readonly #trust: Trust;
  readonly #events: ChannelEvents;
  readonly #bySid = new Map<string, Members>();
  #filter = new CandidateFilter([], false);
  readonly #rules: AddressRules;

  constructor(options: ChannelOptions, sessions: ChannelSessions, worker: ChannelWorker, trust: Trust, events: ChannelEvents) {
    this.#options = options;
    this.#sessions = sessions;
    this.#worker = worker;
    this.#trust = trust;
    this.#events = events;
    this.#rules = new AddressRules(options.addressFilter, options.marker.peer, events.event);
  }

  /** What a worker says of a further connection, or of how many there are. @returns false when the message is of the first one */
  handleWorker(message: RtcMessage, nowMs: number): boolean {
    const record = this.#sessions.get(message.sid);
    if (message.t === 'rtc-widen') {
      if (record !== undefined) this.#widen(record, message.members, message.lossy, nowMs);
      return true;
    }
    if (message.t === 'rtc-members') {
      if (record !== undefined) record.connections = message.members;
      return true;
    }
    if (message.t === 'rtc-started' || message.member === undefined) {
      if (message.t === 'rtc-open' && record !== undefined) this.#open(record);
      return false;
    }
    const members = record === undefined ? undefined : this.#of(record);
    const member = members?.byName.get(message.member);
    if (record === undefined || members === undefined || member === undefined) return true;
    this.#heard(record, message.member, member.negotiation, message, nowMs);
    if (message.t === 'rtc-closed' && message.tooWide !== undefined)
      this.#tooWide(record, members, message.member, member.lossy, message.tooWide, nowMs);
    return true;
  }

  handleSignal(record: SessionRecord, { tok, adr }: SignalMessage, nowMs: number): void {
    const hello = parseStripeHello(tok);
    if (hello !== undefined) {
      record.peerConnections = hello.most;
      record.peerPacketBytes = hello.packetBytes;
      this.#agree(record);
      return;
    }
    const signal = parseStripeSignal(tok);
    const members = this.#of(record);
    if (signal === undefined || members === undefined) return;
    const { member: name, knd, lossy = false } = signal;
    const sdp =
      knd === 'sdp_offer'
        ? parseDescription(signal.tok, 'offer')
        : knd === 'sdp_answer'
          ? parseDescription(signal.tok, 'answer')
          : undefined;
    if (sdp !== undefined && !this.#trust.accepts(record, 'webrtc', sdpCertificate(sdp), adr, nowMs)) return;
    if (knd === 'sdp_offer' && !members.byName.has(name) && !name.startsWith(prefixOf(record))) {
      if (1 + members.byName.size >= this.#most(record) && !this.#yield(record, members)) {
        this.#send(record, name, { kind: 'send', knd: 'webrtc_error', err: 'there are as many connections as there may be' }, false);
        return;
      }
      this.#begin(record, members, name, 'answerer', lossy, nowMs);
    }
    members.byName.get(name)?.negotiation.handleSignal(knd, signal.tok, signal.err, nowMs);
  }

  /** Drains every exchange and carries out what it asks for. */
  service(nowMs: number): void {
    for (const [sid, members] of this.#bySid) {
      const record = this.#sessions.get(sid);
      if (record === undefined || record.negotiation !== members.first) this.#bySid.delete(sid);
      else for (const [name, member] of members.byName) this.#drain(record, members, name, member, nowMs);
    }
  }

  timeoutMs(): number | undefined {
    return soonest(
      [...this.#bySid.values()].flatMap(({ byName }) => [...byName.values()].map(({ negotiation }) => negotiation.timeoutMs())),
    );
  }

  handleTimeout(nowMs: number): void {
    for (const { byName } of this.#bySid.values()) {
      for (const { negotiation } of byName.values()) if (isDue(negotiation.timeoutMs(), nowMs)) negotiation.handleTimeout(nowMs);
    }
  }

  /** Both sides asked for more at once, and one of them has to give way: the opener. @returns whether there is room now */
  #yield(record: SessionRecord, members: Members): boolean {
    if (record.direction === 'in') return false;
    for (const [name, { negotiation }] of members.byName) {
      if (negotiation.state === 'connected' || !name.startsWith(prefixOf(record))) continue;
      members.byName.delete(name);
      this.#worker.tell({ t: 'rtc-stop', sid: record.sid, member: name });
      this.#send(record, name, { kind: 'send', knd: 'webrtc_error', err: 'the other side asked as well' }, false);
      return true;
    }
    return false;
  }

  /** The first connection is up: the peer is told how many this side takes. */
  #open(record: SessionRecord): void {
    const most = this.#most(record);
    if (record.peer.kind !== 'hotlink' || most === 1) return;
    this.#events.send({
      typ: MessageType.Signal,
      sid: record.sid,
      knd: STRIPE_SIGNAL,
      tok: formatStripeHello(most, this.#interfaceBytes()),
    });
    this.#agree(record);
  }

  /** Both sides may have further connections, and the worker has the first one. */
  #agree({ sid, peerConnections: most }: SessionRecord): void {
    if (most > 1) this.#worker.tell({ t: 'rtc-stripes', sid, most });
  }

  /** Undefined where packets have the size that was asked for. */
  #interfaceBytes(): number | undefined {
    return this.#options.mtu === 'auto' ? smallestMtu(outwardInterfaces()) : undefined;
  }

  #most({ sameHost }: SessionRecord): number {
    return mostConnections(this.#options.rtc.stripes, sameHost);
  }

  /** Undefined for a session that can have no further connections now. */
  #of(record: SessionRecord): Members | undefined {
    const first = record.negotiation;
    if (record.peer.kind !== 'hotlink' || record.retired || record.webrtc !== 'connected' || first === undefined) return undefined;
    const known = this.#bySid.get(record.sid);
    if (known?.first === first) return known;
    // Names go on: a late signal of a connection that is gone is not to meet a new one.
    const members = { first, byName: new Map<string, Member>(), lastNumber: known?.lastNumber ?? 0, mtu: undefined };
    this.#bySid.set(record.sid, members);
    return members;
  }

  #widen(record: SessionRecord, count: number, lossy: boolean, nowMs: number): void {
    const members = this.#of(record);
    if (members === undefined) return;
    const wanted = Math.min(count, this.#most(record)) - 1 - members.byName.size;
    if (wanted <= 0) return;
    this.#events.event('webrtc widened', { peer: this.#options.marker.peer, sid: record.sid, connections: count, lossy });
    for (let i = 0; i < wanted; i += 1) this.#offer(record, members, lossy, nowMs);
  }

  /** Packets of so many bytes did not get through: another connection with smaller ones, from whoever asked for this one. */
  #tooWide(record: SessionRecord, members: Members, name: string, lossy: boolean, bytes: number, nowMs: number): void {
    members.mtu?.refused();
    this.#events.trace('webrtc packets too large', { sid: record.sid, member: name, bytes });
    if (name.startsWith(prefixOf(record))) this.#offer(record, members, lossy, nowMs);
  }

  #offer(record: SessionRecord, members: Members, lossy: boolean, nowMs: number): void {
    members.lastNumber += 1;
    this.#begin(record, members, `${prefixOf(record)}${members.lastNumber}`, 'offerer', lossy, nowMs);
  }

  #begin(record: SessionRecord, members: Members, name: string, role: 'offerer' | 'answerer', lossy: boolean, nowMs: number): void {
    // What was named for the first connection is for this peer.
    const ice = record.namedIce ?? this.#options.ice;
    this.#filter = new CandidateFilter(allAddresses(), this.#options.iceFilter);
    const negotiation = new Negotiation({ role });
    members.byName.set(name, { negotiation, lossy });
    members.mtu ??= new PathMtu(record.sameHost ? undefined : this.#interfaceBytes(), record.peerPacketBytes);
    const { mtu } = members;
    this.#worker.tell({
      t: 'rtc-start',
      sid: record.sid,
      member: name,
      lossy,
      role,
      own: true,
      mtu: mtu.doubtful ? mtu.bytes : record.mtu,
      probed: mtu.doubtful,
      loopback: record.sameHost,
      // The first one has found a way without TURN, or there would be no further ones.
      ice: { ...ice, iceServers: withoutTurn(ice.iceServers) },
    });
    negotiation.start(nowMs);
  }

  #allows(side: 'local' | 'remote', candidate: string): boolean {
    return !this.#filter.refuses(candidate) && this.#rules.allowsCandidate(side, candidate);
  }

  #strip(side: 'local' | 'remote', sdp: string): string {
    return this.#rules.strip(side, this.#filter.strip(sdp));
  }

  #heard(record: SessionRecord, name: string, negotiation: Negotiation, message: RtcMessage, nowMs: number): void {
    switch (message.t) {
      case 'rtc-description':
        negotiation.handleLocalDescription(message.type, this.#strip('local', message.sdp), nowMs);
        break;
      case 'rtc-local-candidate':
        if (this.#allows('local', message.candidate)) negotiation.handleLocalCandidate(message.candidate, message.mid, nowMs);
        break;
      case 'rtc-gathered':
        negotiation.handleGatheringComplete(this.#strip('local', message.sdp), nowMs);
        break;
      case 'rtc-open':
        negotiation.handleConnected(nowMs);
        this.#events.trace('webrtc member open', { sid: record.sid, member: name, candidates: `${message.local}/${message.remote}` });
        break;
      case 'rtc-closed':
        if (negotiation.state === 'connected') this.#bySid.get(record.sid)?.byName.delete(name);
        else negotiation.handleFailed(message.reason, nowMs);
        break;
    }
  }

  #drain(record: SessionRecord, members: Members, name: string, { negotiation, lossy }: Member, nowMs: number): void {
    const { sid } = record;
    for (let output = negotiation.poll(); output !== undefined; output = negotiation.poll()) {
      switch (output.kind) {
        case 'send':
          this.#send(record, name, output, lossy);
          break;
        case 'set-remote':
          this.#worker.tell({ t: 'rtc-remote', sid, member: name, type: output.type, sdp: this.#strip('remote', output.sdp) });
          break;
        case 'add-candidate':
          if (this.#allows('remote', output.candidate))
            this.#worker.tell({ t: 'rtc-candidate', sid, member: name, candidate: output.candidate, mid: output.mid });
          break;
        case 'failed':
          members.byName.delete(name);
          this.#worker.tell({ t: 'rtc-stop', sid, member: name });
          this.#events.trace('webrtc member failed', { sid, member: name, reason: output.reason, atMs: nowMs });
          break;
      }
    }
  }

  #send(record: SessionRecord, member: string, { knd, tok, err }: Extract<NegotiationOutput, { kind: 'send' }>, lossy: boolean): void {
    const sdp = knd === 'sdp_offer' ? parseDescription(tok, 'offer') : knd === 'sdp_answer' ? parseDescription(tok, 'answer') : undefined;
    const adr = sdp === undefined ? [] : this.#trust.vouch(record, 'webrtc', sdpCertificate(sdp));
    this.#events.send({
      typ: MessageType.Signal,
      sid: record.sid,
      knd: STRIPE_SIGNAL,
      tok: formatStripeSignal({
        member,
        knd,
        lossy: lossy && knd === 'sdp_offer',
        ...(tok === undefined ? {} : { tok }),
        ...(err === undefined ? {} : { err }),
      }),
      ...(adr.length === 0 ? {} : { adr }),
    });
  }
}

/** Of the names that this side makes up. */
function prefixOf({ direction }: SessionRecord): 'o' | 'a' {
  return direction === 'out' ? 'o' : 'a';
}
