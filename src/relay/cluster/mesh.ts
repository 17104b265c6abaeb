// The processes of a cluster as one of them sees it: who is there, a link to each, and whether this one may still speak for the cluster.
// Invariant: a process that others may hold for lost knows it first. It may act while its own beat came back from the carrier less than the
// lease ago; the others give it up only after the longer silence. An id that was given up never comes back: its process joins anew.
import { randomBytes } from 'node:crypto';
import type { Carrier } from './carrier.js';
import { Link } from './link.js';

/** Kinds beside the link's own (link.ts). */
const STRANGER = 3;
/** Links look for late acknowledgements this often. */
const TICK_MS = 25;
/** Under way to one process; a fraction of what a NATS server holds for a slow client before it cuts it off (64 MiB). */
const WINDOW_BYTES = 4 * 1024 * 1024;
const ALL_WINDOWS_BYTES = 32 * 1024 * 1024;
const BABBLE = 'sends what is not understood';
const ID = /^[0-9a-f]{16}$/;
/** Ids given up that are remembered; each is one process run. */
const MAX_LOST = 4096;

export interface MeshTimes {
  /** A process that was not heard for so long is lost. */
  readonly silenceMs: number;
}

export interface MeshEvents {
  /** Tell it what it has to know. */
  joined(peer: Peer): void;
  /** @returns false if the record cannot be ours: the peer is given up */
  record(peer: Peer, body: Buffer): boolean;
  lost(peer: Peer, reason: string): void;
  /** Others may hold this process for lost: it must not act on what it knows. It has a new id and no peers. */
  cutOff(reason: string): void;
}

export class Peer {
  readonly id: string;
  readonly link: Link;
  heardMs: number;
  private readonly schedule: () => void;

  constructor(id: string, link: Link, nowMs: number, schedule: () => void) {
    this.id = id;
    this.link = link;
    this.heardMs = nowMs;
    this.schedule = schedule;
  }

  /** One record; it leaves at the end of this turn. */
  send(...parts: readonly Uint8Array[]): void {
    this.link.send(...parts);
    this.schedule();
  }
}

type Beat = { readonly id: string; readonly sentMs: number; readonly leaving?: true };

export class Mesh {
  private readonly carrier: Carrier;
  private readonly events: MeshEvents;
  private readonly silenceMs: number;
  private readonly leaseMs: number;
  private readonly ticker: NodeJS.Timeout;
  private readonly peers = new Map<string, Peer>();
  private readonly lost = new Set<string>();
  private selfId = '';
  /** When the last of our beats that came back was sent; undefined: none has. */
  private echoedMs: number | undefined;
  private beatMs = 0;
  private closed = false;
  /** Peers with records to flush. */
  private readonly dirty = new Set<Peer>();
  /** Resolves at the first beat that comes back. */
  private onEcho: (() => void)[] = [];

  constructor(carrier: Carrier, times: MeshTimes, events: MeshEvents) {
    this.carrier = carrier;
    this.events = events;
    this.silenceMs = times.silenceMs;
    this.leaseMs = times.silenceMs * 0.6;
    this.ticker = setInterval(() => this.tick(performance.now()), TICK_MS);
    this.begin();
  }

  get self(): string {
    return this.selfId;
  }

  get all(): IterableIterator<Peer> {
    return this.peers.values();
  }

  get size(): number {
    return this.peers.size;
  }

  get(id: string): Peer | undefined {
    return this.peers.get(id);
  }

  /** Whether an id is of a process that was given up, or of this one earlier. */
  isGone(id: string): boolean {
    return this.lost.has(id);
  }

  /** How long nobody can be heard who is there and may act. */
  get quietMs(): number {
    return this.leaseMs;
  }

  /** Whether this process may act: judge by it before anything that depends on what others say. */
  isCurrent(nowMs: number): boolean {
    return this.echoedMs !== undefined && nowMs - this.echoedMs < this.leaseMs;
  }

  /** Resolves when a beat of ours has come back: others can hear us, and we them. */
  echoed(): Promise<void> {
    return this.echoedMs !== undefined ? Promise.resolve() : new Promise((resolve) => this.onEcho.push(resolve));
  }

  /** Everything but the process itself is over: a new id, as if started anew. */
  cutOff(reason: string): void {
    if (this.closed) return;
    this.begin();
    this.events.cutOff(reason);
  }

  /** Say good-bye, so that nobody waits. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.ticker);
    this.flush();
    this.beat(performance.now(), true);
    for (const resolve of this.onEcho) resolve();
    await this.carrier.close();
  }

  private begin(): void {
    if (this.selfId !== '') {
      this.beat(performance.now(), true);
      this.remember(this.selfId);
    }
    this.selfId = randomBytes(8).toString('hex');
    this.peers.clear();
    this.dirty.clear();
    this.echoedMs = undefined;
    this.carrier.join(this.selfId, {
      announced: (message) => this.onBeat(message),
      received: (from, message) => this.onMessage(from, message),
      restored: () => {
        const nowMs = performance.now();
        this.beat(nowMs);
        for (const peer of this.peers.values()) peer.link.restore(nowMs);
      },
    });
    this.beat(performance.now());
  }

  private tick(nowMs: number): void {
    if (this.echoedMs !== undefined && !this.isCurrent(nowMs)) {
      this.cutOff('its beats do not come back from NATS');
      return;
    }
    if (nowMs - this.beatMs >= this.silenceMs / 20) this.beat(nowMs);
    for (const peer of this.peers.values()) {
      if (nowMs - peer.heardMs >= this.silenceMs) this.giveUp(peer, 'was not heard any more');
      else peer.link.tick(nowMs);
    }
  }

  private beat(nowMs: number, leaving = false): void {
    this.beatMs = nowMs;
    const beat: Beat = { id: this.selfId, sentMs: nowMs, ...(leaving ? { leaving } : {}) };
    this.carrier.announce(Buffer.from(JSON.stringify(beat)));
  }

  private onBeat(message: Uint8Array): void {
    if (this.closed) return;
    const beat = readBeat(message);
    if (beat === undefined) return;
    const nowMs = performance.now();
    if (beat.id === this.selfId) {
      this.echoedMs = Math.max(beat.sentMs, this.echoedMs ?? beat.sentMs);
      for (const resolve of this.onEcho.splice(0)) resolve();
      return;
    }
    if (this.lost.has(beat.id)) {
      this.disown(beat.id);
      return;
    }
    const known = this.peers.get(beat.id);
    if (beat.leaving === true) {
      this.remember(beat.id);
      if (known !== undefined) this.giveUp(known, 'has stopped');
      return;
    }
    if (known !== undefined) known.heardMs = nowMs;
    else this.meet(beat.id, nowMs);
  }

  private meet(id: string, nowMs: number): Peer {
    const peer: Peer = new Peer(
      id,
      new Link(
        {
          transmit: (message) => this.carrier.send(id, this.selfId, message),
          record: (body) => {
            if (this.peers.get(id) === peer && !this.events.record(peer, body)) this.giveUp(peer, BABBLE);
          },
        },
        { windowBytes: WINDOW_BYTES, messageBytes: this.carrier.messageBytes },
      ),
      nowMs,
      () => this.schedule(peer),
    );
    this.peers.set(id, peer);
    this.share();
    // So that it knows of us at once, and not with our next regular beat.
    this.beat(nowMs);
    this.events.joined(peer);
    return peer;
  }

  private onMessage(from: string, message: Uint8Array): void {
    if (this.closed) return;
    const nowMs = performance.now();
    const peer = this.peers.get(from);
    if (message[0] === STRANGER) {
      if (peer !== undefined) this.cutOff('another process has given it up');
      return;
    }
    if (this.lost.has(from)) {
      this.disown(from);
      return;
    }
    // One whose beat is still on the way, or was lost: its first words must not be.
    const sender = peer ?? (ID.test(from) ? this.meet(from, nowMs) : undefined);
    if (sender === undefined) return;
    sender.heardMs = nowMs;
    if (!sender.link.receive(message, nowMs)) this.giveUp(sender, BABBLE);
  }

  private giveUp(peer: Peer, reason: string): void {
    if (this.peers.get(peer.id) !== peer) return;
    this.remember(peer.id);
    this.peers.delete(peer.id);
    this.dirty.delete(peer);
    this.share();
    this.disown(peer.id);
    this.events.lost(peer, reason);
  }

  /** Whoever was given up must know: what it does from here on counts for nothing. */
  private disown(id: string): void {
    this.carrier.send(id, this.selfId, Uint8Array.of(STRANGER));
  }

  private remember(id: string): void {
    this.lost.add(id);
    if (this.lost.size <= MAX_LOST) return;
    for (const oldest of this.lost) {
      this.lost.delete(oldest);
      break;
    }
  }

  private share(): void {
    const windowBytes = Math.min(WINDOW_BYTES, Math.floor(ALL_WINDOWS_BYTES / Math.max(1, this.peers.size)));
    for (const { link } of this.peers.values()) link.limits.windowBytes = windowBytes;
  }

  private schedule(peer: Peer): void {
    if (this.dirty.size === 0) queueMicrotask(() => this.flush());
    this.dirty.add(peer);
  }

  private flush(): void {
    const nowMs = performance.now();
    for (const peer of this.dirty) peer.link.flush(nowMs);
    this.dirty.clear();
  }
}

function readBeat(message: Uint8Array): Beat | undefined {
  try {
    const beat = JSON.parse(Buffer.from(message).toString()) as Beat;
    return typeof beat.id === 'string' && ID.test(beat.id) && typeof beat.sentMs === 'number' ? beat : undefined;
  } catch {
    return undefined;
  }
}
