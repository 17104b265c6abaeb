// Random life at a real relay, held against the model step by step: trees of ACL files that change in mid-session, sessions opened, accepted and
// used by whoever pleases, rightly or not. What every client receives, in which order, must be exactly what the model says it may; so nobody is ever
// given a byte that the ACL denies, and whoever may have it gets it. Everything follows from the seed.
import { stringify } from 'yaml';
import type { Message } from '../../native-free/envelope/index.js';
import { Random } from '../../native-free/sim/random.js';
import { type RelayServer, startRelay } from '../../src/relay/index.js';
import { RelayClient } from '../src/relay-client.js';
import { AclModel, type Mistake, type ModelFile, type ModelRule, patternNames } from './acl-model.js';

/** Prefixes of each other, in name and in host, on purpose. */
const USERS = ['ann@org.co', 'ann@org.com', 'an@org.co', 'bob@x.io', 'eve@x.io.org', 'bob@x.i'];
const OWNERS = USERS.slice(0, 4);
const DIRECTORIES = ['', '/d', '/d/sub', '/d/sub/deep', '/e', `/d/${USERS[3]}`];
const FILES = ['a.txt', 'b.txt', 'stream.tcp.request', 'sub/a.txt', `${USERS[4]}/x`, `${USERS[3]}/y.txt`];
const GRANTEES = [...USERS, '*', 'USER', '*@org.com', '*@x.io'];
/** All inboxes are compared with the model this often. */
const COMPARE_EVERY = 40;
const MAX_SESSIONS = 24;

interface ModelSession {
  path: string;
  opener: string;
  to: string | undefined;
  accepted: Set<string>;
  /** Who took a TCP session; stays while that user is away. */
  acceptor: string | undefined;
}

export interface ProofCounts {
  steps: number;
  uploads: number;
  uploadsRefused: number;
  opens: number;
  opensDenied: number;
  accepts: number;
  /** Data that reached somebody, and Data that the ACL kept from somebody who had accepted. */
  delivered: number;
  withheld: number;
}

/**
 * @param mistake makes the model wrong, so that the run must fail
 * @throws Error naming seed, step and who received what it should not, or not what it should
 */
export async function proveAcl(seed: number, steps: number, mistake?: Mistake): Promise<ProofCounts> {
  const relay = await startRelay({ listen: '127.0.0.1:0', limits: { messagesPerSecond: 0 } });
  try {
    const life = await Life.begin(relay, seed, new AclModel(mistake));
    try {
      while (life.counts.steps < steps) await life.step();
      await life.compare();
      return life.counts;
    } finally {
      await life.end();
    }
  } finally {
    await relay.close();
  }
}

class Life {
  readonly counts: ProofCounts = {
    steps: 0,
    uploads: 0,
    uploadsRefused: 0,
    opens: 0,
    opensDenied: 0,
    accepts: 0,
    delivered: 0,
    withheld: 0,
  };
  readonly #relay: RelayServer;
  readonly #seed: number;
  readonly #random: Random;
  readonly #model: AclModel;
  readonly #clients = new Map<string, RelayClient>();
  readonly #sessions = new Map<string, ModelSession>();
  readonly #expected = new Map<string, string[]>();
  readonly #received = new Map<string, string[]>();
  #sids = 0;

  private constructor(relay: RelayServer, seed: number, model: AclModel) {
    this.#relay = relay;
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#model = model;
  }

  static async begin(relay: RelayServer, seed: number, model: AclModel): Promise<Life> {
    const life = new Life(relay, seed, model);
    for (const user of USERS) {
      life.#expected.set(user, []);
      life.#received.set(user, []);
      await life.#connect(user);
    }
    return life;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  async step(): Promise<void> {
    this.counts.steps += 1;
    const user = this.#random.pick(USERS);
    const dice = this.#random.fraction();
    if (dice < 0.12) this.#upload(user);
    else if (dice < 0.3) this.#open(user);
    else if (dice < 0.5) this.#accept(user);
    else if (dice < 0.85) this.#data(user);
    else if (dice < 0.93) this.#signal(user);
    else if (dice < 0.98) this.#close(user);
    else if (dice < 0.985) await this.#reconnect(user);
    else this.#reject(user);
    // The next step may be another connection's: the relay must have dealt with this one first.
    await this.#settle(user);
    if (this.counts.steps % COMPARE_EVERY === 0) await this.compare();
  }

  /** What everybody received, in order, against what the model says. */
  async compare(): Promise<void> {
    for (const user of USERS) await this.#settle(user);
    for (const user of USERS) {
      const [expected, received] = [this.#expected.get(user) as string[], this.#received.get(user) as string[]];
      for (let at = 0; at < Math.max(expected.length, received.length); at += 1) {
        if (expected[at] === received[at]) continue;
        const where = `seed ${this.#seed}, before step ${this.counts.steps}: ${user}`;
        throw new Error(`${where} received ${received[at] ?? 'nothing'}, and by the model it is to receive ${expected[at] ?? 'nothing'}`);
      }
      expected.length = 0;
      received.length = 0;
    }
  }

  #upload(user: string): void {
    const owner = this.#random.chance(0.8) && OWNERS.includes(user) ? user : this.#random.pick(OWNERS);
    const directory = owner + this.#random.pick(DIRECTORIES);
    const file: ModelFile = {
      terminal: this.#random.chance(0.2),
      rules: Array.from({ length: this.#random.between(0, 4) }, () => this.#rule()),
    };
    const key = `${directory}/syft.pub.yaml`;
    const allowed = this.#model.allows(user, key, 'admin');
    const con = Buffer.from(this.#written(file));
    const id = this.#clientOf(user).send({ typ: 2, pth: key, etg: '', len: con.length, con });
    if (allowed) {
      this.#model.files.set(directory, file);
      this.counts.uploads += 1;
    } else this.counts.uploadsRefused += 1;
    this.#expect(user, allowed ? `ack ${id}` : `nack ${id}`);
  }

  #rule(): ModelRule {
    const some = (most: number): string[] => Array.from({ length: this.#random.between(0, most) }, () => this.#random.pick(GRANTEES));
    return { pattern: this.#random.pick(patternNames), admin: this.#random.chance(0.2) ? some(2) : [], write: some(3), read: some(3) };
  }

  #written({ terminal, rules }: ModelFile): string {
    const value = { terminal, rules: rules.map(({ pattern, ...access }) => ({ pattern, access })) };
    return this.#random.chance(0.5) ? JSON.stringify(value) : stringify(value);
  }

  #open(user: string): void {
    const again = this.#random.chance(0.1) ? this.#anySid() : undefined;
    const sid = again ?? `session-${++this.#sids}`;
    const path = `${this.#random.pick(OWNERS)}${this.#random.pick(DIRECTORIES)}/${this.#random.pick(FILES)}`;
    const to = this.#random.chance(0.5) ? this.#random.pick(USERS) : undefined;
    this.#clientOf(user).send({ typ: 9, sid, pth: path, ...(to === undefined ? {} : { to }) });
    const addressee = to === user ? undefined : to;
    const mayOpen = this.#model.allows(user, path, 'write') && (addressee === undefined || this.#model.allows(addressee, path, 'read'));
    const existing = this.#sessions.get(sid);
    if (!mayOpen) {
      this.counts.opensDenied += 1;
      this.#expect(user, `reject ${sid} permission denied`);
    } else if (existing !== undefined && existing.opener !== user) this.#expect(user, `reject ${sid} session exists`);
    else {
      this.counts.opens += 1;
      this.#sessions.delete(sid);
      this.#sessions.set(sid, { path, opener: user, to: addressee, accepted: new Set(), acceptor: undefined });
      for (const other of USERS) if (this.#isAsked(sid, other)) this.#expect(other, `open ${sid} ${path} ${user}`);
      // A life of few sessions meets itself more often.
      if (this.#sessions.size > MAX_SESSIONS) this.#end([...this.#sessions.keys()][0] as string, 'oldest');
    }
  }

  #isAsked(sid: string, user: string): boolean {
    const session = this.#sessions.get(sid) as ModelSession;
    return user !== session.opener && (session.to ?? user) === user && this.#model.allows(user, session.path, 'read');
  }

  #accept(user: string): void {
    const sid = this.#anySid();
    if (sid === undefined) return;
    this.#clientOf(user).send({ typ: 10, sid });
    const session = this.#sessions.get(sid);
    if (session?.opener === user) return;
    const tcp = session?.path.endsWith('/stream.tcp.request') === true;
    const refusal =
      session === undefined
        ? 'unknown session'
        : session.to !== undefined && session.to !== user
          ? 'permission denied'
          : tcp && session.acceptor !== undefined && session.acceptor !== user
            ? 'already accepted'
            : this.#model.allows(user, session.path, 'read')
              ? undefined
              : 'permission denied';
    if (refusal !== undefined || session === undefined) {
      this.#expect(user, `reject ${sid} ${refusal}`);
      return;
    }
    this.counts.accepts += 1;
    session.accepted.add(user);
    if (tcp) session.acceptor = user;
    this.#expect(session.opener, `accept ${sid}`);
  }

  #data(user: string): void {
    // Mostly who may: the more of that, the more there is to withhold after the next upload.
    const own = [...this.#sessions].filter(([, { opener, accepted }]) => opener === user && accepted.size > 0);
    const sid = own.length > 0 && this.#random.chance(0.8) ? this.#random.pick(own)[0] : this.#anySid();
    if (sid === undefined) return;
    const seq = this.counts.steps;
    // The path in a message routes nothing here, but upstream's receivers go by it (defect S9): it has to be of the session's directory, and both
    // sides need their rights on it.
    const pth = this.#random.chance(0.25) ? 'ann@org.co/d/a.txt' : (this.#sessions.get(sid)?.path ?? 'x@y.z/q');
    this.#clientOf(user).send({ typ: 12, sid, seq, pth, pay: Buffer.from(`secret of ${sid}`) });
    const session = this.#sessions.get(sid);
    if (session === undefined) this.#expect(user, `reject ${sid} unknown session`);
    else if (session.opener === user) {
      const directory = (path: string): string => path.slice(0, path.lastIndexOf('/'));
      const foreign = pth !== session.path;
      if (foreign && (directory(pth) !== directory(session.path) || !this.#model.allows(user, pth, 'write'))) {
        this.#expect(user, `reject ${sid} the path is not of this session`);
        return;
      }
      for (const other of session.accepted) {
        const may = this.#model.allows(other, session.path, 'read') && (!foreign || this.#model.allows(other, pth, 'read'));
        if (may) this.counts.delivered += 1;
        else this.counts.withheld += 1;
        if (may) this.#expect(other, `data ${sid} ${seq} secret of ${sid}`);
      }
    }
  }

  #signal(user: string): void {
    const sid = this.#anySid();
    const session = sid === undefined ? undefined : this.#sessions.get(sid);
    if (sid === undefined || session === undefined) return;
    const tok = `word of ${sid} at ${this.counts.steps}`;
    this.#clientOf(user).send({ typ: 14, sid, knd: 'hl1_frame', tok });
    const hearers = session.opener === user ? [...session.accepted] : session.accepted.has(user) ? [session.opener] : [];
    for (const other of hearers) if (this.#model.allows(other, session.path, 'read')) this.#expect(other, `signal ${sid} ${tok}`);
  }

  #close(user: string): void {
    const sid = this.#anySid();
    const session = sid === undefined ? undefined : this.#sessions.get(sid);
    if (sid === undefined || session === undefined) return;
    const rsn = `reason of ${this.counts.steps}`;
    if (session.opener === user) {
      this.#end(sid, rsn);
      return;
    }
    this.#clientOf(user).send({ typ: 13, sid, rsn });
    if (!this.#mayAnswer(sid, user)) return;
    session.accepted.delete(user);
    if (session.acceptor === user) session.acceptor = undefined;
    this.#tell(session, session.opener, `close ${sid}`, rsn);
  }

  #reject(user: string): void {
    const sid = this.#anySid();
    const session = sid === undefined ? undefined : this.#sessions.get(sid);
    if (sid === undefined || session === undefined) return;
    const rsn = `no, at ${this.counts.steps}`;
    this.#clientOf(user).send({ typ: 11, sid, rsn });
    if (session.opener !== user && this.#mayAnswer(sid, user)) this.#tell(session, session.opener, `reject ${sid}`, rsn);
  }

  /** Participants, and while nobody has accepted, whoever is asked. */
  #mayAnswer(sid: string, user: string): boolean {
    const session = this.#sessions.get(sid) as ModelSession;
    if (session.accepted.has(user) || session.acceptor === user) return true;
    return session.acceptor === undefined && session.accepted.size === 0 && this.#isAsked(sid, user);
  }

  /** Its opener ends a session. */
  #end(sid: string, rsn: string): void {
    const session = this.#sessions.get(sid) as ModelSession;
    this.#clientOf(session.opener).send({ typ: 13, sid, rsn });
    for (const other of session.accepted) this.#tell(session, other, `close ${sid}`, rsn);
    this.#sessions.delete(sid);
  }

  /** The end is told to everybody in it, the words only to who may read. */
  #tell({ path }: ModelSession, user: string, what: string, rsn: string): void {
    this.#expect(user, this.#model.allows(user, path, 'read') ? `${what} ${rsn}` : what);
  }

  /** The connection drops; sessions of the user stay, what it accepted is to be accepted anew. */
  async #reconnect(user: string): Promise<void> {
    await this.compare();
    const before = this.#relay.stats().connections;
    await this.#clientOf(user).close();
    while (this.#relay.stats().connections === before) await new Promise((resolve) => setImmediate(resolve));
    await this.#connect(user);
    for (const session of this.#sessions.values()) session.accepted.delete(user);
  }

  async #connect(user: string): Promise<void> {
    const encodings = this.#random.chance(0.3) ? 'json' : 'msgpack';
    this.#clients.set(user, await RelayClient.connect(this.#relay, user, { encodings, format: encodings === 'json' ? 'json' : 'msgpack' }));
  }

  async #settle(user: string): Promise<void> {
    for (const { message } of await this.#clientOf(user).settled()) this.#received.get(user)?.push(told(message));
  }

  #anySid(): string | undefined {
    if (this.#random.chance(0.05)) return `session-${this.#random.between(1, this.#sids + 2)}`;
    const sids = [...this.#sessions.keys()];
    return sids.length === 0 ? undefined : this.#random.pick(sids);
  }

  #clientOf(user: string): RelayClient {
    return this.#clients.get(user) as RelayClient;
  }

  #expect(user: string, what: string): void {
    this.#expected.get(user)?.push(what);
  }
}

/** A message as the model words it. */
function told(message: Message): string {
  switch (message.typ) {
    case 4:
      return `ack ${message.oid}`;
    case 5:
      return `nack ${message.oid}`;
    case 9:
      return `open ${message.sid} ${message.pth} ${message.frm}`;
    case 10:
      return `accept ${message.sid}`;
    case 11:
      return message.rsn === undefined ? `reject ${message.sid}` : `reject ${message.sid} ${message.rsn}`;
    case 12:
      return `data ${message.sid} ${message.seq} ${Buffer.from(message.pay ?? []).toString()}`;
    case 13:
      return message.rsn === undefined ? `close ${message.sid}` : `close ${message.sid} ${message.rsn}`;
    case 14:
      return `signal ${message.sid} ${message.tok}`;
    default:
      return `message of type ${message.typ}`;
  }
}
