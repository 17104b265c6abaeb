// The messages of the relay's event protocol as one discriminated union on `typ`.
// Hotlink messages (9..14) keep the wire's key names; the others use the short JSON tags as names in both encodings.
// wire.md §1.3, §1.4, §2.2. Any thread.

/** The numbers that name a kind of message on the wire. */
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

/**
 * The six messages that sessions are made of: Open, Accept, Reject, Data, Close, Signal. The relay vouches for `frm`; `to` narrows who is asked.
 */
export type HotlinkMessage =
  /** Asks for a session on `pth`; `frm` is written by the relay and may be trusted, `to` narrows who is asked. */
  | {
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
  | {
      readonly typ: 10;
      /** Which session. */
      readonly sid: string;
    }
  /** Refuses a session. */
  | {
      readonly typ: 11;
      /** Which session. */
      readonly sid: string;
      /** Why, in words. */
      readonly rsn?: string;
    }
  /** One frame through the relay. `pay` decoded from a frame is a view into it, not a copy; it is empty when the sender left it out. */
  | {
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
  | {
      readonly typ: 13;
      /** Which session. */
      readonly sid: string;
      /** Why, in words. */
      readonly rsn?: string;
    }
  /** Session control that the relay passes on untouched: SDP, candidates, and our own kinds. */
  | {
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
    };

/** Every message of the event protocol; {@link MessageType} names `typ`. What hotlink has no shape for is kept `raw`. */
export type Message =
  | HotlinkMessage
  /** The relay's greeting; `msg` is `ok`. */
  | {
      readonly typ: 0;
      /** Version of the relay. */
      readonly ver: string;
      /** `ok`. */
      readonly msg: string;
    }
  /** The relay could not do what a message asked for. */
  | {
      readonly typ: 1;
      /** HTTP status. */
      readonly cod: number;
      /** Path it is about. */
      readonly pth: string;
      /** What went wrong, in words. */
      readonly msg: string;
    }
  /** A file of a datasite was written; hotlink has no use for it. */
  | {
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
  | {
      readonly typ: 3;
      /** Datasite path of the file. */
      readonly pth: string;
    }
  /** `oid` is the id of the message that is acknowledged. */
  | {
      readonly typ: 4;
      /** Id of that message. */
      readonly oid: string;
    }
  /** The relay refused a message. */
  | {
      readonly typ: 5;
      /** Id of that message. */
      readonly oid: string;
      /** Why, in words. */
      readonly err: string;
    }
  /** A FileWrite without the content. */
  | {
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
  /** Kept as received: hotlink never looks inside, and its timestamp needs a calendar to survive a change of encoding. `raw` is the nested document: msgpack, or JSON as UTF-8. */
  | {
      readonly typ: 8;
      /** The document as it came. */
      readonly raw: Uint8Array;
      /** In which encoding it came. */
      readonly encoding: 'msgpack' | 'json';
    }
  /** A number without a shape here; `raw` as in {@link AclManifestMessage}. Newer relays may send any (wire.md §13.1). */
  | {
      readonly typ: -1;
      /** the number on the wire, 0..65535 */
      readonly wireTyp: number;
      /** The document as it came. */
      readonly raw: Uint8Array;
      /** In which encoding it came. */
      readonly encoding: 'msgpack' | 'json';
    };

export type OpenMessage = Extract<HotlinkMessage, { typ: 9 }>;
export type AcceptMessage = Extract<HotlinkMessage, { typ: 10 }>;
export type RejectMessage = Extract<HotlinkMessage, { typ: 11 }>;
export type DataMessage = Extract<HotlinkMessage, { typ: 12 }>;
export type CloseMessage = Extract<HotlinkMessage, { typ: 13 }>;
export type SignalMessage = Extract<HotlinkMessage, { typ: 14 }>;
export type SystemMessage = Extract<Message, { typ: 0 }>;
export type ErrorMessage = Extract<Message, { typ: 1 }>;
export type FileWriteMessage = Extract<Message, { typ: 2 }>;
export type FileDeleteMessage = Extract<Message, { typ: 3 }>;
export type AckMessage = Extract<Message, { typ: 4 }>;
export type NackMessage = Extract<Message, { typ: 5 }>;
export type FileNotifyMessage = Extract<Message, { typ: 7 }>;
export type AclManifestMessage = Extract<Message, { typ: 8 }>;
export type UnknownMessage = Extract<Message, { typ: -1 }>;

/**
 * How an envelope is written.
 * `msgpack`: shortest integers, empty keys omitted; what we send. `json`: the same as text.
 * `msgpack-full`: as Go writes it (fixed widths). `msgpack-rust`: as Rust writes it (every key present).
 */
export type EnvelopeFormat = 'msgpack' | 'json' | 'msgpack-full' | 'msgpack-rust';

/** What reading an envelope comes to. `pay`, `con` and `raw` are views into the frame; what was refused is to be skipped. */
export type DecodeResult =
  | { readonly ok: true /** Of the message, chosen by its sender. */; readonly id: string; readonly message: Message }
  | { readonly ok: false; readonly reason: 'bad-magic' | 'bad-version' | 'bad-encoding' | 'garbage' | 'missing-field' | 'bad-field' };

export type Decoded = Extract<DecodeResult, { ok: true }>;
export type Refused = Extract<DecodeResult, { ok: false }>;

/**
 * Why a frame was refused. All are counted and skipped; the connection stays up (wire.md §1.3).
 * - `bad-magic`: binary, neither our prefix nor JSON; `bad-version`: prefix of a version we do not speak; `bad-encoding`: of an encoding we do not know
 * - `garbage`: cut short, not a map, trailing bytes, not JSON
 * - `missing-field`: a required key is absent or nil; `bad-field`: one holds the wrong type, text that is not UTF-8, or a number out of range
 */
export type EnvelopeVerdict = Refused['reason'];
