// HLNK frames on every way they come: whole messages, byte streams cut anywhere, the direct lane's reader, own frames, sealed frames, local IPC.
import { deepStrictEqual } from 'node:assert';
import {
  decodeAck,
  decodePing,
  encodeAck,
  encodePing,
  type OwnEtag,
  OwnKind,
  readOwnEtag,
  writeOwnEtag,
} from '../../../native-free/channel/own-wire.js';
import { encodeFrame, FrameDecoder, FrameView, HEADER_BYTES } from '../../../native-free/hlnk/index.js';
import { byNumber, encodePreamble, fallbackName, parseFallbackName, readFallback, readPreamble } from '../../../native-free/ipc/index.js';
import { FrameReader } from '../../../workers/direct/frame-reader.js';
import { greeting, readGreeting } from '../../../workers/direct/greeting.js';
import { Seal } from '../../../workers/lanes/seal.js';
import { bytesOf, type FuzzDecoder, hold, sameBytes, textOf } from '../decoder.js';

const PATH = bytesOf('a@x.io/_mpc/0_to_1/stream.tcp.request');
const ETAG = bytesOf('h1d-00000001');
const frame = (seq: number, payload: string): Uint8Array => encodeFrame(PATH, ETAG, seq, bytesOf(payload));
const WORDS = ['HLNK\x01', 'HLNK', 'h1d-00000001', 'h1a-00000000', 'hl1-run', '\x00\x00\x00\x00'];

export const hlnkFrame: FuzzDecoder = {
  name: 'hlnk-frame',
  what: 'one HLNK frame per message: data channel, relay Data, Signals of kind hl1_frame',
  maxBytes: 1024,
  words: WORDS,
  seeds: () => [frame(1, 'hello'), frame(2 ** 53 - 1, ''), encodeFrame(new Uint8Array(0), new Uint8Array(0), 0, Uint8Array.of(0))],
  check(input) {
    const view = new FrameView();
    const verdict = view.read(input);
    if (verdict !== 'ok' && verdict !== 'trailing-bytes') return;
    const { pathStart, pathBytes, etagStart, etagBytes, seq, endAt } = view;
    const again = encodeFrame(
      input.slice(pathStart, pathStart + pathBytes),
      input.slice(etagStart, etagStart + etagBytes),
      seq,
      view.payload(),
    );
    hold(sameBytes(again, input.subarray(0, endAt)), 'a frame that was read is written with the same bytes');
    hold(view.path().length <= pathBytes && view.etag().length <= etagBytes, 'texts are no longer than their bytes');
  },
};

/** The first byte says into how large pieces the rest is cut. */
function pieces(input: Uint8Array): Uint8Array[] {
  const size = 1 + ((input[0] ?? 0) & 63) * ((input[0] ?? 0) > 63 ? 7 : 1);
  const out: Uint8Array[] = [];
  for (let at = 1; at < input.length; at += size) out.push(input.subarray(at, at + size));
  return out;
}

/** A view is used again for the next frame. */
function told(view: FrameView): string {
  return `${view.seq} ${view.path()} ${view.etag()} ${Buffer.from(view.payload()).toString('hex')}`;
}

const stream = (size: number, ...parts: Uint8Array[]): Uint8Array => Buffer.concat([Uint8Array.of(size), ...parts]);

export const hlnkStream: FuzzDecoder = {
  name: 'hlnk-stream',
  what: 'HLNK frames in a byte stream with noise between them: local IPC, fallback files',
  maxBytes: 2048,
  words: WORDS,
  seeds: () => [
    stream(5, frame(1, 'hello'), bytesOf('noise HL'), frame(2, 'world')),
    stream(200, frame(1, 'x'), frame(2, 'y')),
    stream(0, frame(3, 'z')),
  ],
  check(input) {
    const [cut, whole] = [new FrameDecoder(), new FrameDecoder()];
    const found: string[] = [];
    let frameBytes = 0;
    for (const piece of pieces(input)) {
      cut.push(piece);
      for (const view of cut) {
        found.push(told(view));
        frameBytes += view.endAt - (view.pathStart - HEADER_BYTES);
      }
    }
    hold(
      frameBytes + cut.skippedBytes + cut.unfinishedBytes === Math.max(0, input.length - 1),
      'every byte is in a frame, skipped or kept back',
    );
    whole.push(input.subarray(1));
    const uncut: string[] = [];
    for (const view of whole) uncut.push(told(view));
    deepStrictEqual(uncut, found);
  },
};

export const frameReader: FuzzDecoder = {
  name: 'frame-reader',
  what: 'what a peer sends on a direct connection behind the greeting',
  maxBytes: 2048,
  words: WORDS,
  seeds: () => [
    stream(5, frame(1, 'hello'), frame(2, 'world')),
    stream(255, frame(1, 'x'), frame(2, 'y'), frame(3, 'z')),
    stream(0, frame(9, '')),
  ],
  check(input) {
    const read: Uint8Array[] = [];
    const reader = new FrameReader(300, (message) => read.push(message.slice()));
    let wrong: string | undefined;
    let pushedBytes = 0;
    for (const piece of pieces(input)) {
      pushedBytes += piece.length;
      wrong = reader.push(piece);
      if (wrong !== undefined) break;
    }
    let at = 1;
    for (const message of read) {
      hold(message.length <= 300, 'no frame is longer than the lane takes');
      hold(new FrameView().read(message) === 'ok', 'what is handed on is one whole frame');
      hold(sameBytes(message, input.subarray(at, at + message.length)), 'frames are the bytes that came, in order');
      at += message.length;
    }
    if (wrong === undefined) hold(pushedBytes - (at - 1) < 300 + 21, 'what is kept back is less than one frame');
  },
};

export const ownWire: FuzzDecoder = {
  name: 'own-wire',
  what: 'etags, acknowledgements and pings of an own peer',
  maxBytes: 512,
  words: ['h1d-', 'h1a-00000000', '\x01\x00'],
  seeds: () => [
    encodePing(7),
    encodeAck({ nextSeq: 2 ** 40, answersPing: 3, missingFrames: 1 }, [1, 1_048_576, 2, 2 ** 50]),
    encodeAck({ nextSeq: 1, answersPing: 0, missingFrames: 0 }, []),
    bytesOf('h1d-0000000f'),
    bytesOf('h1x-ffffffff'),
  ],
  check(input) {
    const etag: OwnEtag = { kind: OwnKind.data, stream: 0 };
    if (readOwnEtag(input, 0, input.length, etag)) {
      const again = new Uint8Array(12);
      writeOwnEtag(again, etag.kind, etag.stream);
      hold(sameBytes(again, input), 'an etag that was read is written the same');
    }
    const id = decodePing(input);
    if (id >= 0) hold(decodePing(encodePing(id)) === id, 'a ping that was read is written the same');
    const limits: number[] = [];
    const ack = decodeAck(input, (of, bytes) => limits.push(of, bytes));
    if (ack === undefined) return void hold(limits.length === 0, 'what is no acknowledgement grants nothing');
    hold(
      Number.isSafeInteger(ack.nextSeq) && limits.every((value) => Number.isSafeInteger(value) && value >= 0),
      'numbers are safe integers',
    );
    const again: number[] = [];
    deepStrictEqual(
      decodeAck(encodeAck(ack, limits), (of, bytes) => again.push(of, bytes)),
      ack,
    );
    deepStrictEqual(again, limits);
  },
};

const KEYS = { send: new Uint8Array(36).fill(7), open: new Uint8Array(36).fill(9) };

export const sealedFrame: FuzzDecoder = {
  name: 'sealed-frame',
  what: 'what a relay hands on as a sealed frame',
  maxBytes: 512,
  words: ['h1s-00000000', 'HLNK\x01'],
  seeds: () => {
    const theirs = new Seal({ send: KEYS.open, open: KEYS.send });
    return ['hello', '', 'x'.repeat(200)].map((payload) => {
      const plain = frame(1, payload);
      const out = new Uint8Array(theirs.sealedBytes(plain));
      theirs.seal(plain, out, 0);
      return out;
    });
  },
  check(input) {
    const ours = new Seal(KEYS);
    const opened = ours.open(input);
    if (typeof opened === 'string') return;
    hold(ours.open(input) === 'repeat', 'no frame counts twice');
    const theirs = new Seal({ send: KEYS.open, open: KEYS.send });
    const view = new FrameView();
    view.read(input);
    // Only what the key's owner sealed opens: sealing the content under the same counter gives the same payload.
    let sealed = new Uint8Array(0);
    for (let counter = 1; counter <= Math.min(view.seq, 8); counter += 1) {
      sealed = new Uint8Array(theirs.sealedBytes(opened));
      theirs.seal(opened, sealed, 0);
    }
    if (view.seq <= 8)
      hold(sealed.length > 0 && sameBytes(sealed.subarray(-16), input.subarray(view.endAt - 16, view.endAt)), 'what opens is genuine');
  },
};

export const ipcPreamble: FuzzDecoder = {
  name: 'ipc-preamble',
  what: 'preambles, fallback files and their names in a directory that others write to',
  maxBytes: 512,
  words: [...WORDS, 'hl1-0123abcd-0123456789ab-00000001.request', '.request'],
  seeds: () => [
    Buffer.concat([encodePreamble('0123456789ab', 5), frame(5, 'hello')]),
    encodePreamble('ffffffffffff', 2 ** 50),
    bytesOf(fallbackName('0123abcd', '0123456789ab', 42)),
    bytesOf(fallbackName('0123abcd', '0123456789ab', 123_456_789_012)),
  ],
  check(input) {
    const name = textOf(input);
    const file = parseFallbackName(name);
    if (file !== undefined) {
      hold(Number.isSafeInteger(file.number) && !/[/\\]/.test(name), 'a name is a name of this directory');
      const [again, next] = [
        parseFallbackName(fallbackName(file.sender, file.run, file.number)),
        parseFallbackName(fallbackName(file.sender, file.run, file.number + 1)),
      ];
      hold(again?.number === file.number && (next === undefined || byNumber(file, next) < 0), 'names sort by their numbers');
    }
    const view = new FrameView();
    if (view.read(input) === 'ok') {
      const preamble = readPreamble(view);
      if (preamble !== undefined)
        hold(sameBytes(encodePreamble(preamble.run, preamble.base), input), 'a preamble that was read is written the same');
    }
    const fallback = readFallback(input);
    if (fallback !== undefined) {
      const { preamble, frame: inner } = fallback;
      hold(sameBytes(Buffer.concat([encodePreamble(preamble.run, preamble.base), inner]), input), 'a file is its preamble and its frame');
    }
  },
};

export const directGreeting: FuzzDecoder = {
  name: 'direct-greeting',
  what: 'the first bytes on a direct connection',
  maxBytes: 64,
  words: ['HLD1'],
  seeds: () => [greeting('0123456789abcdef0123456789abcdef')],
  check(input) {
    const bytes = Buffer.from(input);
    const token = readGreeting(bytes);
    if (token === undefined) return;
    hold(/^[0-9a-f]{32}$/.test(token), 'a token is 32 hex digits');
    hold(sameBytes(greeting(token), bytes), 'a greeting that was read is written the same');
  },
};
