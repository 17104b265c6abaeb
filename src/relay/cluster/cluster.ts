// A relay process as one of many: clients elsewhere become recipients here, sessions elsewhere are reached from here, and ACL files are the
// same everywhere. README.md has the picture and what happens when something fails.
// Invariant: the process that has a session judges all its messages by the rules of one process (router.ts, sessions.ts); the others only carry.
import type { Connection } from '../connection.js';
import type { Recipient } from '../recipient.js';
import type { Session } from '../sessions.js';
import type { AclReplica } from './acl-replica.js';
import type { Carrier } from './carrier.js';
import { Directory, type Entry } from './directory.js';
import type { ClusterHost } from './host.js';
import { Learning } from './learning.js';
import { Mesh, type Peer } from './mesh.js';
import { Neighbour } from './neighbour.js';
import type { ClusterStats } from './options.js';
import { RecentOpens } from './recent-opens.js';
import { type AclRecord, type ControlRecord, decodeRecord, encodeControl, type FrameRecord, type ReadyRecord } from './records.js';
import type { RemoteClient } from './remote-client.js';

/** What asking whether a client is shown each of the recent Opens may cost: some 20 ms. */
const MAX_STEPS_PER_CLIENT = 2_000_000;

export class Cluster {
  private readonly host: ClusterHost;
  private readonly replica: AclReplica;
  private readonly directory = new Directory();
  private readonly recentOpens = new RecentOpens();
  private readonly mesh: Mesh;
  private readonly learning: Learning;
  private readonly neighbours = new Map<string, Neighbour>();
  private readonly local = new Map<number, Connection>();
  private serving = false;
  private closed = false;
  private resentBefore = 0;
  private gapsBefore = 0;

  constructor(carrier: Carrier, silenceMs: number, replica: AclReplica, host: ClusterHost) {
    this.host = host;
    this.replica = replica;
    this.mesh = new Mesh(
      carrier,
      { silenceMs },
      {
        joined: (peer) => this.onJoined(peer),
        record: (peer, body) => this.onRecord(peer, body),
        lost: (peer, reason) => this.onLost(peer, reason),
        cutOff: (reason) => this.onCutOff(reason),
      },
    );
    replica.onEdit = (key, content) => this.edited(key, content);
    this.learning = new Learning(this.mesh, this.neighbours);
  }

  /** Resolves when this process knows what the others know and may serve, or the cluster is closed. */
  async learn(): Promise<void> {
    while (!this.closed && !this.serving) {
      if (!(await this.learning.attempt(this.replica.isEmpty)) || this.closed) continue;
      this.serving = true;
      this.tellAll(this.readyRecord());
      this.host.log.info({ process: this.mesh.self, others: this.neighbours.size }, 'part of the cluster');
    }
  }

  /** Whether a message of this client counts: it does not when it is from before this process was cut off. */
  serves(client: Recipient): boolean {
    return this.local.get(client.id) === client && this.isServing();
  }

  /** Whether clients may be served: nobody holds this process for lost, and what it knows is what all know. */
  isServing(): boolean {
    return this.serving && this.mesh.isCurrent(performance.now());
  }

  stats(): ClusterStats {
    let remoteClients = 0;
    let outstandingBytes = 0;
    let resent = this.resentBefore;
    let gaps = this.gapsBefore;
    for (const { peer, clientCount } of this.neighbours.values()) {
      remoteClients += clientCount;
      outstandingBytes += peer.link.outstandingBytes;
      resent += peer.link.resent;
      gaps += peer.link.gaps;
    }
    const isServing = this.isServing();
    const processes = this.neighbours.size + 1;
    return { isServing, processes, remoteClients, knownSessions: this.directory.size, outstandingBytes, resent, gaps };
  }

  /** Others have been told that we go; then the carrier is closed. */
  async close(): Promise<void> {
    this.closed = true;
    this.learning.abandon();
    this.replica.abandon();
    await this.mesh.close();
  }

  // --- clients of this process -----------------------------------------------------------------------------------------------------

  connected(connection: Connection): void {
    this.local.set(connection.id, connection);
    this.tellAll({ kind: 'up', connection: connection.id, user: connection.user, format: connection.format });
  }

  disconnected(connection: Connection): void {
    this.local.delete(connection.id);
    for (const neighbour of this.neighbours.values()) neighbour.closeLeg(connection.id);
    this.tellAll({ kind: 'down', connection: connection.id });
  }

  /**
   * A message of a client here about a session that is not here.
   * @param joins it asks to take part
   * @returns whether the session is elsewhere, and the message on its way there
   */
  forward(from: Recipient, sid: string, frame: Buffer, isBinary: boolean, joins: boolean): boolean {
    const entry = this.directory.get(sid);
    const neighbour = entry === undefined ? undefined : this.neighbours.get(entry.home);
    // What comes from elsewhere ends here: two processes that disagree must not play ball.
    if (entry === undefined || neighbour === undefined || this.local.get(from.id) !== from) return false;
    const leg = neighbour.leg(from.id);
    if (joins) {
      leg.joined.add(entry);
      entry.joined ??= new Set();
      entry.joined.add(leg);
    }
    leg.flow.deliver(isBinary ? frame : frame.toString('utf8'), from.flow);
    return true;
  }

  // --- sessions of this process ----------------------------------------------------------------------------------------------------

  mayOpen(sid: string, user: string): boolean {
    return this.directory.mayOpen(sid, user);
  }

  /** @param id of the message */
  opened(session: Session<Recipient>, id: string): void {
    this.recentOpens.add(session, id, performance.now());
    const { sid, opener, generation } = this.directory.open(this.mesh.self, session.sid, session.opener);
    this.tellAll({ kind: 'claim', sid, opener, generation });
  }

  /** One that moved elsewhere is not forgotten there. */
  ended(sid: string): void {
    if (this.directory.forget(this.mesh.self, sid)) this.tellAll({ kind: 'forget', sid });
  }

  // --- ACL files -------------------------------------------------------------------------------------------------------------------

  /**
   * A file was uploaded here. Every message sent to others from now on is behind it.
   * @returns resolves with true when every process decides by it, false when this one was cut off before it knew
   */
  spread(key: string, content: Uint8Array): Promise<boolean> {
    const record = this.replica.changed(key, content, Date.now()) ?? this.replica.record(key);
    // Cut off while the file was on its way here: nobody is known any more, so nobody would have to answer.
    if (!this.isServing()) return Promise.resolve(false);
    return new Promise((resolve) => {
      const ticket = this.replica.ticket(this.neighbours.keys(), resolve);
      if (record !== undefined) this.tellAll({ ...record, ticket });
    });
  }

  /** A file was edited on this process's disk; null: removed. Nobody waits for it. */
  private edited(key: string, content: Uint8Array | null): void {
    const record = this.replica.changed(key, content, Date.now());
    if (record !== undefined) this.tellAll(record);
  }

  // --- other processes -------------------------------------------------------------------------------------------------------------

  private onJoined(peer: Peer): void {
    const { limits, counters, log } = this.host;
    const neighbour = new Neighbour(peer, limits, () => counters.pauses++);
    this.neighbours.set(peer.id, neighbour);
    for (const record of this.replica.all()) neighbour.tell(record);
    for (const { sid, opener, generation } of this.directory.of(this.mesh.self)) neighbour.tell({ kind: 'claim', sid, opener, generation });
    for (const { id, user, format } of this.local.values()) neighbour.tell({ kind: 'up', connection: id, user, format });
    neighbour.tell(this.readyRecord());
    log.info({ process: peer.id }, 'another process of the cluster is there');
    this.learning.look();
  }

  private onRecord(peer: Peer, body: Buffer): boolean {
    const neighbour = this.neighbours.get(peer.id);
    const record = decodeRecord(body);
    if (neighbour === undefined || record === undefined) return false;
    switch (record.kind) {
      case 'frameDown':
        this.onFrameDown(neighbour, record);
        return true;
      case 'frameUp':
        this.onFrameUp(neighbour, record);
        return true;
      case 'creditDown':
        neighbour.client(record.connection)?.leg.credited(record.count);
        return true;
      case 'creditUp':
        neighbour.credited(record.connection, record.count);
        return true;
      default:
        this.onControl(neighbour, record);
        return true;
    }
  }

  private onControl(neighbour: Neighbour, record: ControlRecord): void {
    const { peer } = neighbour;
    switch (record.kind) {
      case 'up':
        this.onUp(neighbour.up(record));
        break;
      case 'down':
        this.dropClient(neighbour, record.connection);
        break;
      case 'claim':
        this.onClaim(peer.id, record.sid, record.opener, record.generation);
        break;
      case 'forget':
        this.directory.forget(peer.id, record.sid);
        break;
      case 'acl':
        this.onAcl(neighbour, record);
        break;
      case 'aclDone':
        this.replica.answered(peer.id, record.ticket);
        break;
      case 'ready':
        neighbour.ready = record.serving ? 'serving' : true;
        neighbour.members = record.members;
        this.learning.look();
        break;
    }
  }

  private onUp(client: RemoteClient): void {
    const { hub, sessions, show } = this.host;
    hub.addRemote(client);
    sessions.connected(client.user);
    const work = { stepsLeft: MAX_STEPS_PER_CLIENT };
    for (const { session, id } of this.recentOpens.at(performance.now()))
      if (sessions.get(session.sid) === session && session.acceptor === undefined && sessions.isAsked(session, client.user, work))
        show(session, id, client);
  }

  /** A session that is there has something for a client of ours. */
  private onFrameDown(neighbour: Neighbour, { connection, text, frame }: FrameRecord): void {
    const client = this.local.get(connection);
    // Gone meanwhile: the other end hears so, or has.
    if (client === undefined) return;
    const leg = neighbour.leg(connection);
    client.deliverFrame(text ? frame.toString('utf8') : frame, leg);
    leg.dealtWith();
  }

  /** A client that is there has something for a session of ours. */
  private onFrameUp(neighbour: Neighbour, { connection, text, frame }: FrameRecord): void {
    const client = neighbour.client(connection);
    if (client === undefined) return;
    this.host.route(client, frame, !text);
    client.leg.dealtWith();
  }

  private onClaim(home: string, sid: string, opener: string, generation: number): void {
    const before = this.directory.get(sid);
    const { joined } = before ?? {};
    if (this.directory.claim(this.mesh.self, home, sid, opener, generation) !== 'lost') return;
    const session = this.host.sessions.get(sid);
    if (session === undefined) return;
    this.host.sessions.delete(session);
    // Opened by two at the same moment: the other one has it. The same user has only moved.
    if (before?.opener !== opener && session.openerParty !== undefined) this.host.refuse(session.openerParty, sid);
    joined?.clear();
  }

  private onAcl(neighbour: Neighbour, record: AclRecord): void {
    this.replica.offered(record, this.host.acl);
    if (record.ticket !== 0) neighbour.tell({ kind: 'aclDone', ticket: record.ticket });
  }

  private onLost(peer: Peer, reason: string): void {
    const neighbour = this.neighbours.get(peer.id);
    if (neighbour === undefined) return;
    this.host.log.warn({ process: peer.id, reason, clients: neighbour.clientCount }, 'a process of the cluster is gone');
    for (const entry of this.directory.lose(peer.id)) this.tellJoined(entry);
    this.dropNeighbour(neighbour);
    this.replica.lost(peer.id);
    // Whoever is joining waits for those we know.
    this.tellAll(this.readyRecord());
    this.learning.look();
  }

  private tellJoined(entry: Entry): void {
    for (const leg of entry.joined ?? []) {
      leg.joined.delete(entry);
      const client = this.local.get(leg.connection);
      if (client !== undefined) this.host.tellLost(client, entry.sid);
    }
  }

  private onCutOff(reason: string): void {
    this.host.log.warn({ reason }, 'cut off from the cluster: every client is disconnected until it is back');
    this.serving = false;
    for (const neighbour of [...this.neighbours.values()]) this.dropNeighbour(neighbour);
    this.replica.abandon();
    this.host.disconnectAll('the relay is cut off from its cluster, try again');
    this.host.sessions.clear();
    this.directory.clear();
    this.recentOpens.clear();
    this.local.clear();
    this.learning.look();
    if (!this.closed) void this.learn();
  }

  private dropNeighbour(neighbour: Neighbour): void {
    this.neighbours.delete(neighbour.peer.id);
    this.resentBefore += neighbour.peer.link.resent;
    this.gapsBefore += neighbour.peer.link.gaps;
    for (const connection of neighbour.connections()) this.dropClient(neighbour, connection);
    neighbour.closeLegs();
  }

  private dropClient(neighbour: Neighbour, connection: number): void {
    const client = neighbour.down(connection);
    if (client === undefined) return;
    const isLast = this.host.hub.removeRemote(client);
    this.host.sessions.disconnected(client, isLast, performance.now());
  }

  private tellAll(record: ControlRecord): void {
    if (this.neighbours.size === 0) return;
    const bytes = encodeControl(record);
    for (const { peer } of this.neighbours.values()) peer.send(bytes);
  }

  private readyRecord(): ReadyRecord {
    return { kind: 'ready', serving: this.serving, members: [...this.neighbours.keys()] };
  }
}
