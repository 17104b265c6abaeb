// What happens to a message: decoded, judged by the session rules, handed to whom it concerns (wire §2.3).
// Invariant: a message is dealt with completely before the next one of any connection is looked at, so nothing overtakes anything.
import { randomBytes } from 'node:crypto';
import { ACL_FILE_NAME } from '../../native-free/acl/index.js';
import {
  type CloseMessage,
  type Decoded,
  decodeEnvelope,
  decodeEnvelopeText,
  type FileWriteMessage,
  fingerprint,
  MessageType,
  type OpenMessage,
  type RejectMessage,
  type SignalMessage,
} from '../../native-free/envelope/index.js';
import { checkPath, directoryOf } from '../../native-free/path.js';
import type { Log } from '../options.js';
import type { AclStore } from './acl-store.js';
import type { Cluster } from './cluster/cluster.js';
import type { RelayCounters } from './counters.js';
import { Forward, openOf } from './forward.js';
import { NOT_SPREAD } from './http.js';
import type { Hub } from './hub.js';
import { plainData } from './plain-data.js';
import type { Recipient } from './recipient.js';
import type { OpenRefusal, Session, SessionStore } from './sessions.js';

/** Refusals that upstream has keep its words; clients compare them (wire §2.3). */
const OPEN_REASONS: Record<OpenRefusal, string> = {
  'bad-sid': 'invalid session id: 8 to 128 printable ASCII characters are needed',
  'bad-path': 'invalid path: it must be relative, start with an e-mail and have no dot segments',
  denied: 'permission denied',
  'sid-taken': 'session exists',
  'over-limit': 'too many sessions: close some first',
};

const OPEN_COUNTERS = {
  'bad-sid': 'opensBadSid',
  'bad-path': 'opensBadPath',
  denied: 'opensDenied',
  'sid-taken': 'opensSidTaken',
  'over-limit': 'opensOverLimit',
} as const satisfies Record<OpenRefusal, keyof RelayCounters>;

/**
 * What asking for every user may cost with an Open to everybody: some 20 ms. A thousand users under a hundred plain rules take a tenth of it; one
 * user's slow patterns would hold everybody's messages up for ten milliseconds a user.
 */
const MAX_STEPS_PER_OPEN = 2_000_000;

export class Router {
  private readonly hub: Hub;
  private readonly sessions: SessionStore<Recipient>;
  private readonly acl: AclStore;
  private readonly counters: RelayCounters;
  private readonly log: Log;
  /** The other processes, if this one is of many. */
  private cluster: Cluster | undefined;

  constructor(hub: Hub, sessions: SessionStore<Recipient>, acl: AclStore, counters: RelayCounters, log: Log) {
    this.hub = hub;
    this.sessions = sessions;
    this.acl = acl;
    this.counters = counters;
    this.log = log;
  }

  /** From here on sessions may be at other processes. */
  join(cluster: Cluster): void {
    this.cluster = cluster;
  }

  /** The greeting every client gets first (wire §1.5). */
  greet(connection: Recipient): void {
    connection.deliver(serverId(), { typ: MessageType.System, ver: 'hotlink-relay', msg: 'ok' }, connection);
  }

  /** One WebSocket message. Never throws on what is in it. */
  onFrame(from: Recipient, frame: Buffer, isBinary: boolean): void {
    this.counters.messagesIn++;
    this.counters.bytesIn += frame.length;
    if (this.cluster !== undefined && !this.cluster.serves(from)) return;
    this.route(from, frame, isBinary);
  }

  /** The same for one that another process has taken and counted. */
  route(from: Recipient, frame: Buffer, isBinary: boolean): void {
    if (isBinary) {
      const plain = plainData(frame);
      if (plain !== undefined) {
        if (!this.isElsewhere(from, plain.sid, frame, isBinary, false)) this.onData(from, plain.sid, plain.path, frame, undefined);
        return;
      }
    }
    const decoded = isBinary ? decodeEnvelope(frame) : decodeEnvelopeText(frame.toString('utf8'));
    if (!decoded.ok) {
      this.counters.badEnvelopes++;
      this.log.warn({ user: from.user, connection: from.id, reason: decoded.reason, bytes: frame.length }, 'bad envelope skipped');
      return;
    }
    const { message } = decoded;
    if (message.typ >= MessageType.Accept && message.typ <= MessageType.Signal) {
      // Peers of our own kind need no word when the process of a session is lost: their streams outlive sessions, and other lanes carry on.
      const joins = message.typ === MessageType.Accept && fingerprint(decoded.id).kind !== 'hotlink';
      if (this.isElsewhere(from, (message as { sid: string }).sid, frame, isBinary, joins)) return;
    }
    this.onMessage(from, decoded);
  }

  /** Whether the session is at another process, and the message on its way there. */
  private isElsewhere(from: Recipient, sid: string, frame: Buffer, isBinary: boolean, joins: boolean): boolean {
    return this.cluster !== undefined && this.sessions.get(sid) === undefined && this.cluster.forward(from, sid, frame, isBinary, joins);
  }

  private onMessage(from: Recipient, decoded: Decoded): void {
    const { id, message } = decoded;
    switch (message.typ) {
      case MessageType.Open:
        this.onOpen(from, id, message);
        return;
      case MessageType.Accept:
        this.onAccept(from, id, message.sid);
        return;
      case MessageType.Reject:
      case MessageType.Close:
        this.onEnd(from, id, message);
        return;
      case MessageType.Data:
        this.onData(from, message.sid, message.pth, undefined, decoded);
        return;
      case MessageType.Signal:
        this.onSignal(from, id, message);
        return;
      case MessageType.FileWrite:
        this.onFileWrite(from, id, message);
        return;
      case MessageType.FileDelete:
        this.nack(from, id, 'this relay does not synchronise files');
        return;
      default:
        this.counters.ignoredMessages++;
        this.log.debug(
          {
            user: from.user,
            type: message.typ === MessageType.Unknown ? message.wireTyp : message.typ,
          },
          'message kind ignored',
        );
    }
  }

  private onOpen(from: Recipient, id: string, message: OpenMessage): void {
    const session = this.sessions.open(from, message.sid, message.pth, message.to);
    if (typeof session === 'string') {
      this.counters[OPEN_COUNTERS[session]]++;
      this.log.info({ user: from.user, reason: session, path: message.pth }, 'open refused');
      this.reject(from, message.sid, OPEN_REASONS[session]);
      return;
    }
    this.counters.opens++;
    this.cluster?.opened(session, id);
    const forward = new Forward(id, openOf(session), from);
    if (session.to !== undefined) {
      for (const connection of this.hub.of(session.to)) forward.to(connection);
      return;
    }
    const work = { stepsLeft: MAX_STEPS_PER_OPEN };
    for (const [user, connections] of this.hub.entries()) {
      if (this.sessions.isAsked(session, user, work)) for (const connection of connections) forward.to(connection);
    }
    if (work.stepsLeft < 0) this.log.warn({ user: from.user, path: session.path }, 'open shown to some only: its rules cost too much');
  }

  /** Show an Open to a client that was there when it came, as word has it by now. */
  show(session: Session<Recipient>, id: string, to: Recipient): void {
    to.deliver(id, openOf(session), to);
  }

  private onAccept(from: Recipient, id: string, sid: string): void {
    const by = fingerprint(id);
    const session = this.sessions.accept(from, sid, by.kind === 'hotlink' ? `${by.host}-${by.instance}` : undefined);
    if (session === 'own') return;
    if (typeof session === 'string') {
      this.counters.acceptsRefused++;
      this.reject(from, sid, session);
      return;
    }
    this.counters.accepts++;
    this.openerOf(session)?.deliver(id, { typ: MessageType.Accept, sid }, from);
  }

  /** Reject and Close. From the opener a Close ends the session; from the other side either goes to the opener, a Close also leaves. */
  private onEnd(from: Recipient, id: string, message: RejectMessage | CloseMessage): void {
    const session = this.sessions.get(message.sid);
    if (session === undefined) return;
    if (session.opener === from.user) {
      if (message.typ === MessageType.Reject) return;
      const forward = new Forward(id, message, from);
      const bare = new Forward(id, { typ: message.typ, sid: message.sid }, from);
      for (const connection of session.accepted) (this.mayHear(session, connection) ? forward : bare).to(connection);
      this.sessions.delete(session);
      return;
    }
    if (!this.sessions.mayAnswer(session, from)) {
      this.counters.strangers++;
      return;
    }
    if (message.typ === MessageType.Close) this.sessions.leave(session, from);
    const opener = this.openerOf(session);
    if (opener === undefined) return;
    opener.deliver(id, this.mayHear(session, opener) ? message : { typ: message.typ, sid: message.sid }, from);
  }

  /** The end of a session is told to everybody in it; what anybody writes, reasons included, only to who may read the path at that moment. */
  private mayHear(session: Session<Recipient>, { user }: Recipient): boolean {
    const may = this.acl.tree.can(user, session.path, 'read');
    if (!may) this.counters.dataDenied++;
    return may;
  }

  /**
   * @param path as the message has it
   * @param raw the frame, if it may go out as it came in
   * @param decoded otherwise, what is in it
   */
  private onData(from: Recipient, sid: string, path: string, raw: Buffer | undefined, decoded: Decoded | undefined): void {
    const session = this.sessions.get(sid);
    if (session === undefined) {
      this.counters.dataUnknownSession++;
      this.reject(from, sid, 'unknown session');
      return;
    }
    if (session.opener !== from.user) {
      this.counters.dataNotOpener++;
      return;
    }
    const isOther = path !== session.path;
    if (isOther && !this.isOfSession(session, path)) {
      this.counters.dataForeignPath++;
      this.reject(from, sid, 'the path is not of this session');
      return;
    }
    if (session.accepted.size === 0) this.counters.dataNotAccepted++;
    let forward: Forward | undefined;
    for (const connection of session.accepted) {
      if (!this.isCleared(session, connection) || (isOther && !this.acl.tree.can(connection.user, path, 'read'))) {
        this.counters.dataDenied++;
        continue;
      }
      this.counters.dataForwarded++;
      if (raw !== undefined && connection.format === 'msgpack-full') {
        this.counters.dataForwardedRaw++;
        connection.deliverFrame(raw, from);
        continue;
      }
      const result = decoded ?? decodeEnvelope(raw as Buffer);
      if (!('message' in result)) return;
      forward ??= new Forward(result.id, result.message, from);
      forward.to(connection);
    }
  }

  /**
   * Upstream's receivers sort Data by its path, not by its session: with somebody else's channel in it, what was accepted for one would come out of
   * another (defect S9). But its clients keep one session for all files of a directory: those that the opener may write belong to it.
   */
  private isOfSession({ path: opened, opener }: Session<Recipient>, path: string): boolean {
    return checkPath(path) === 'ok' && directoryOf(path) === directoryOf(opened) && this.acl.tree.can(opener, path, 'write');
  }

  /** May it read, by the rules as they are now? A session has one receiver as a rule, and rules change rarely: the last answer is kept. */
  private isCleared(session: Session<Recipient>, receiver: Recipient): boolean {
    const { tree } = this.acl;
    if (session.cleared === receiver && session.clearedBy === tree.version) return true;
    if (!tree.can(receiver.user, session.path, 'read')) return false;
    session.cleared = receiver;
    session.clearedBy = tree.version;
    return true;
  }

  private onSignal(from: Recipient, id: string, message: SignalMessage): void {
    const session = this.sessions.get(message.sid);
    if (session === undefined) {
      from.deliver(serverId(), { typ: MessageType.Signal, sid: message.sid, knd: 'quic_error', err: 'unknown session' }, from);
    } else if (session.opener === from.user) {
      const forward = new Forward(id, message, from);
      for (const connection of session.accepted) if (this.mayHear(session, connection)) forward.to(connection);
    } else if (session.accepted.has(from)) {
      const opener = this.openerOf(session);
      if (opener !== undefined && this.mayHear(session, opener)) opener.deliver(id, message, from);
    } else {
      this.counters.strangers++;
    }
  }

  /** The one file a relay without file synchronisation takes is the one that says who may use it. */
  private onFileWrite(from: Recipient, id: string, message: FileWriteMessage): void {
    if (!message.pth.endsWith(`/${ACL_FILE_NAME}`)) {
      this.nack(from, id, 'this relay does not synchronise files; it takes only syft.pub.yaml');
      return;
    }
    const put = this.acl.put(from.user, message.pth, message.con);
    if (!put.ok) {
      this.counters.aclRefused++;
      this.nack(from, id, put.line === undefined ? put.reason : `${put.reason} (line ${put.line})`);
      return;
    }
    this.counters.aclUpdates++;
    this.log.info({ user: from.user, key: message.pth }, 'ACL replaced');
    const ack = (): void => from.deliver(serverId(), { typ: MessageType.Ack, oid: id }, from);
    if (this.cluster === undefined) ack();
    else void this.cluster.spread(message.pth, message.con).then((spread) => (spread ? ack() : this.nack(from, id, NOT_SPREAD)));
  }

  /** The connection that opened the session or, when it is gone, the newest of the same user (upstream answers a dead one, defect S7). */
  private openerOf(session: Session<Recipient>): Recipient | undefined {
    return session.openerParty ?? this.hub.newestOf(session.opener);
  }

  /** Two opened one session id at the same moment, and the other one has it. */
  refuseTaken(to: Recipient, sid: string): void {
    this.counters.opensSidTaken++;
    this.reject(to, sid, OPEN_REASONS['sid-taken']);
  }

  private reject(to: Recipient, sid: string, reason: string): void {
    to.deliver(serverId(), { typ: MessageType.Reject, sid, rsn: reason }, to);
  }

  private nack(to: Recipient, id: string, reason: string): void {
    to.deliver(serverId(), { typ: MessageType.Nack, oid: id, err: reason }, to);
  }
}

/** Not six hex digits: that is how a Go client's ids look, and peers tell each other apart by them (wire §2.1). */
function serverId(): string {
  return `srv-${randomBytes(4).toString('hex')}`;
}
