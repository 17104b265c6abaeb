// The messages of the relay's event protocol as one discriminated union on `typ`.
// Hotlink messages (9..14) keep the wire's key names; the others use the short JSON tags as names in both encodings.
// wire.md §1.3, §1.4, §2.2. Any thread.

/** The numbers that name a message kind on the wire. */
export const MessageType = {
  /** Not on the wire: marks a message whose number this program has no shape for. */
  Unknown: -1,
  System: 0,
  Error: 1,
  FileWrite: 2,
  FileDelete: 3,
  Ack: 4,
  Nack: 5,
  HttpRequest: 6,
  FileNotify: 7,
  ACLManifest: 8,
  Open: 9,
  Accept: 10,
  Reject: 11,
  Data: 12,
  Close: 13,
  Signal: 14,
} as const;

/** Asks for a session on `pth`; `frm` is written by the relay and may be trusted, `to` narrows who is asked. */
export interface OpenMessage {
  readonly typ: 9;
  /** Names the session from here on: 8 to 128 printable ASCII characters, never used before. */
  readonly sid: string;
  /** Datasite path of the channel, as the opener names it. */
  readonly pth: string;
  /** E-mail of the opener. */
  readonly frm?: string;
  /** E-mail of who is asked; without it everybody who may read the path. */
  readonly to?: string;
}

/** Takes a session. */
export interface AcceptMessage {
  readonly typ: 10;
  /** Which session. */
  readonly sid: string;
}

/** Refuses a session. */
export interface RejectMessage {
  readonly typ: 11;
  /** Which session. */
  readonly sid: string;
  /** Why, in words. */
  readonly rsn?: string;
}

/** One frame through the relay. `pay` decoded from a frame is a view into it, not a copy; it is empty when the sender left it out. */
export interface DataMessage {
  readonly typ: 12;
  /** Which session. */
  readonly sid: string;
  /** starts at 1, +1 per Data of the session, a safe integer */
  readonly seq: number;
  /** Datasite path of the channel. */
  readonly pth: string;
  /** The etag of the frame; a hash or a number for upstream, kind and stream between own peers. */
  readonly etg?: string;
  /** The payload. */
  readonly pay: Uint8Array;
}

/** Ends a session, from either side. */
export interface CloseMessage {
  readonly typ: 13;
  /** Which session. */
  readonly sid: string;
  /** Why, in words. */
  readonly rsn?: string;
}

/** Session control that the relay passes on untouched: SDP, candidates, and our own kinds. */
export interface SignalMessage {
  readonly typ: 14;
  /** Which session. */
  readonly sid: string;
  /** What kind: `sdp_offer`, `sdp_answer`, `ice_candidate`, `webrtc_error`, or one of ours (`hl1_…`). */
  readonly knd: string;
  /** Addresses, or the signature of a certificate. */
  readonly adr?: readonly string[];
  /** The content, for WebRTC a JSON text. */
  readonly tok?: string;
  /** What went wrong, in words. */
  readonly err?: string;
}

/** The relay's greeting; `msg` is `ok`. */
export interface SystemMessage {
  readonly typ: 0;
  /** Version of the relay. */
  readonly ver: string;
  /** `ok`. */
  readonly msg: string;
}

/** The relay could not do what a message asked for. */
export interface ErrorMessage {
  readonly typ: 1;
  /** HTTP status. */
  readonly cod: number;
  /** Path it is about. */
  readonly pth: string;
  /** What went wrong, in words. */
  readonly msg: string;
}

/** A file of a datasite was written; hotlink has no use for it. */
export interface FileWriteMessage {
  readonly typ: 2;
  /** Datasite path of the file. */
  readonly pth: string;
  /** Hash of the content. */
  readonly etg: string;
  /** length of the file in bytes */
  readonly len: number;
  /** The content. */
  readonly con: Uint8Array;
}

/** A file of a datasite was deleted; hotlink has no use for it. */
export interface FileDeleteMessage {
  readonly typ: 3;
  /** Datasite path of the file. */
  readonly pth: string;
}

/** `oid` is the id of the message that is acknowledged. */
export interface AckMessage {
  readonly typ: 4;
  /** Id of that message. */
  readonly oid: string;
}

/** The relay refused a message. */
export interface NackMessage {
  readonly typ: 5;
  /** Id of that message. */
  readonly oid: string;
  /** Why, in words. */
  readonly err: string;
}

/** A FileWrite without the content. */
export interface FileNotifyMessage {
  readonly typ: 7;
  /** Datasite path of the file. */
  readonly pth: string;
  /** Hash of the content. */
  readonly etg: string;
  /** length of the file in bytes */
  readonly len: number;
  /** Empty. */
  readonly con: Uint8Array;
}

/**
 * Kept as received: hotlink never looks inside, and its timestamp needs a calendar to survive a change of encoding.
 * `raw` is the nested document: msgpack, or JSON as UTF-8.
 */
export interface AclManifestMessage {
  readonly typ: 8;
  /** The document as it came. */
  readonly raw: Uint8Array;
  /** In which encoding it came. */
  readonly encoding: 'msgpack' | 'json';
}

/** A number without a shape here; `raw` as in {@link AclManifestMessage}. Newer relays may send any (wire.md §13.1). */
export interface UnknownMessage {
  readonly typ: -1;
  /** the number on the wire, 0..65535 */
  readonly wireTyp: number;
  /** The document as it came. */
  readonly raw: Uint8Array;
  /** In which encoding it came. */
  readonly encoding: 'msgpack' | 'json';
}

/** The six messages that sessions are made of. */
export type HotlinkMessage = OpenMessage | AcceptMessage | RejectMessage | DataMessage | CloseMessage | SignalMessage;

/** Every message of the event protocol; `typ` tells them apart. */
export type Message =
  | HotlinkMessage
  | SystemMessage
  | ErrorMessage
  | FileWriteMessage
  | FileDeleteMessage
  | AckMessage
  | NackMessage
  | FileNotifyMessage
  | AclManifestMessage
  | UnknownMessage;

/**
 * How an envelope is written.
 * `msgpack`: shortest integers, empty keys omitted; what we send. `json`: the same as text.
 * `msgpack-full`: as Go writes it (fixed widths). `msgpack-rust`: as Rust writes it (every key present).
 */
export type EnvelopeFormat = 'msgpack' | 'json' | 'msgpack-full' | 'msgpack-rust';

/** Why a frame was refused. All are counted and skipped; the connection stays up (wire.md §1.3). */
export type EnvelopeVerdict =
  | 'bad-magic' // binary, neither our prefix nor JSON
  | 'bad-version' // prefix of a version we do not speak
  | 'bad-encoding' // prefix names an encoding we do not know
  | 'garbage' // cut short, not a map, trailing bytes, not JSON
  | 'missing-field' // a required key is absent or nil
  | 'bad-field'; // a key holds the wrong type, text that is not UTF-8, or a number out of range

/** A message that was read. */
export interface Decoded {
  readonly ok: true;
  /** Id of the message, chosen by its sender. */
  readonly id: string;
  /** The message. */
  readonly message: Message;
}

/** A message that was not read. */
export interface Refused {
  readonly ok: false;
  /** Why not. */
  readonly reason: EnvelopeVerdict;
}

/** What reading an envelope comes to. */
export type DecodeResult = Decoded | Refused;
