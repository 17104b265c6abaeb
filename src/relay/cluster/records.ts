// What processes of one cluster tell each other over their links: one byte of kind, then JSON, or for what is frequent a fixed layout.
// Invariant: reading never throws; undefined means that the other end is broken or of another version.
//
//   frame    kind │ text u8 │ connection u48 │ the envelope as it goes to or came from the client
//   credit   kind │ 0       │ connection u48 │ count u32
//
// "Down" is from the process that has the session to the one that has the client; "up" is the way back.
import type { OutputFormat } from '../recipient.js';

const KIND = {
  up: 1,
  down: 2,
  claim: 3,
  forget: 4,
  acl: 5,
  aclDone: 6,
  ready: 7,
  frameDown: 8,
  frameUp: 9,
  creditDown: 10,
  creditUp: 11,
} as const;
const HEAD_BYTES = 8;

/** A client connected at the sender, or is there already. */
export interface UpRecord {
  readonly kind: 'up';
  readonly connection: number;
  readonly user: string;
  readonly format: OutputFormat;
}

export interface DownRecord {
  readonly kind: 'down';
  readonly connection: number;
}

/** The sender has this session from now on. */
export interface ClaimRecord {
  readonly kind: 'claim';
  readonly sid: string;
  readonly opener: string;
  /** Counts how often the session moved from one process to another. */
  readonly generation: number;
}

export interface ForgetRecord {
  readonly kind: 'forget';
  readonly sid: string;
}

/** An ACL file. */
export interface AclRecord {
  readonly kind: 'acl';
  readonly key: string;
  /** Milliseconds since 1970, made unique: the greatest wins. */
  readonly version: number;
  /** base64; null: the file was removed. */
  readonly content: string | null;
  /** To be answered with; 0: no answer is wanted. */
  readonly ticket: number;
}

export interface AclDoneRecord {
  readonly kind: 'aclDone';
  readonly ticket: number;
}

/** Everything the sender knew when it met the receiver has been said. */
export interface ReadyRecord {
  readonly kind: 'ready';
  /** Whether the sender itself knew everything. */
  readonly serving: boolean;
  /** The processes it knows: whoever joins waits until each has spoken. */
  readonly members: readonly string[];
}

export type ControlRecord = UpRecord | DownRecord | ClaimRecord | ForgetRecord | AclRecord | AclDoneRecord | ReadyRecord;

export interface FrameRecord {
  readonly kind: 'frameDown' | 'frameUp';
  readonly connection: number;
  readonly text: boolean;
  /** A view into what arrived. */
  readonly frame: Buffer;
}

export interface CreditRecord {
  readonly kind: 'creditDown' | 'creditUp';
  readonly connection: number;
  /** Frames the other end has dealt with. */
  readonly count: number;
}

export type ClusterRecord = ControlRecord | FrameRecord | CreditRecord;

export function encodeControl(record: ControlRecord): Uint8Array {
  const { kind, ...fields } = record;
  return Buffer.concat([Buffer.of(KIND[kind]), Buffer.from(JSON.stringify(fields))]);
}

/** What goes in front of the frame. */
export function frameHead(kind: FrameRecord['kind'], connection: number, text: boolean): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = KIND[kind];
  head[1] = text ? 1 : 0;
  head.writeUIntBE(connection, 2, 6);
  return head;
}

export function encodeCredit(kind: CreditRecord['kind'], connection: number, count: number): Uint8Array {
  const record = Buffer.alloc(HEAD_BYTES + 4);
  record[0] = KIND[kind];
  record.writeUIntBE(connection, 2, 6);
  record.writeUInt32BE(count, HEAD_BYTES);
  return record;
}

export function decodeRecord(body: Buffer): ClusterRecord | undefined {
  switch (body[0]) {
    case KIND.frameDown:
    case KIND.frameUp:
      if (body.length < HEAD_BYTES) return undefined;
      return {
        kind: body[0] === KIND.frameDown ? 'frameDown' : 'frameUp',
        connection: body.readUIntBE(2, 6),
        text: body[1] === 1,
        frame: body.subarray(HEAD_BYTES),
      };
    case KIND.creditDown:
    case KIND.creditUp:
      if (body.length !== HEAD_BYTES + 4) return undefined;
      return {
        kind: body[0] === KIND.creditDown ? 'creditDown' : 'creditUp',
        connection: body.readUIntBE(2, 6),
        count: body.readUInt32BE(HEAD_BYTES),
      };
    default:
      return decodeControl(body);
  }
}

function decodeControl(body: Buffer): ControlRecord | undefined {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(body.toString('utf8', 1)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (typeof fields !== 'object' || fields === null) return undefined;
  const { connection, user, format, sid, opener, generation, key, version, content, ticket, serving, members } = fields;
  switch (body[0]) {
    case KIND.up:
      return isCount(connection) && isText(user) && (format === 'json' || format === 'msgpack-full')
        ? { kind: 'up', connection, user, format }
        : undefined;
    case KIND.down:
      return isCount(connection) ? { kind: 'down', connection } : undefined;
    case KIND.claim:
      return isText(sid) && isText(opener) && isCount(generation) ? { kind: 'claim', sid, opener, generation } : undefined;
    case KIND.forget:
      return isText(sid) ? { kind: 'forget', sid } : undefined;
    case KIND.acl:
      return isText(key) && isCount(version) && (content === null || isText(content)) && isCount(ticket)
        ? { kind: 'acl', key, version, content, ticket }
        : undefined;
    case KIND.aclDone:
      return isCount(ticket) ? { kind: 'aclDone', ticket } : undefined;
    case KIND.ready:
      return typeof serving === 'boolean' && Array.isArray(members) && members.every(isText)
        ? { kind: 'ready', serving, members }
        : undefined;
    default:
      return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
