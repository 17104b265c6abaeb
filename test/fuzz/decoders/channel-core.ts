// A hostile own peer against the core of a channel: frames of every kind with any number, acknowledgements of what was never sent, absurd credit,
// late starts, lanes that come and go. Nothing throws, what is held stays within its bounds, and no byte reaches an application beyond its credit.
import { ChannelCore, DEFAULT_LIMITS, type OutStream } from '../../../native-free/channel/index.js';
import { encodeAck, encodePing, OwnKind, type OwnKindCode, writeOwnEtag } from '../../../native-free/channel/own-wire.js';
import { COUNTER_NAMES } from '../../../native-free/counters.js';
import { encodeFrame } from '../../../native-free/hlnk/index.js';
import { TwinLane } from '../../../native-free/lane-twin.js';
import { bytesOf, type FuzzDecoder, hold } from '../decoder.js';

const PATH = bytesOf('a/b');
const KINDS: readonly OwnKindCode[] = [OwnKind.data, OwnKind.end, OwnKind.reset, OwnKind.open, OwnKind.ack, OwnKind.ping];
/** Numbers at which things turn over, for what a byte cannot say. */
const NUMBERS = [0, 1, 2, 3, 255, 65_535, 65_536, 65_537, 1_048_576, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52, 2 ** 53 - 2, 2 ** 53 - 1];
/** Small, so that an input can reach them. */
const LIMITS = {
  ...DEFAULT_LIMITS,
  windowBytes: 16_384,
  creditFloorBytes: 8192,
  creditBytes: 16_384,
  reorderBytes: 16_384,
  reorderFrames: 64,
  chunkBytes: 4096,
  ownChunkBytes: 4096,
};

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  get more(): boolean {
    return this.#at < this.#bytes.length;
  }
  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }
  /** A small number, or one at which things turn over. */
  number(): number {
    const byte = this.byte();
    return byte < 224 ? byte : (NUMBERS[byte % NUMBERS.length] as number);
  }
  take(count: number): Uint8Array {
    const out = this.#bytes.slice(this.#at, this.#at + count);
    this.#at += count;
    return out;
  }
}

function ownFrame(kind: OwnKindCode, stream: number, seq: number, payload: Uint8Array): Uint8Array {
  const etag = new Uint8Array(12);
  writeOwnEtag(etag, kind, stream % 2 ** 32);
  return encodeFrame(PATH, etag, seq, payload);
}

export const channelCore: FuzzDecoder = {
  name: 'channel-core',
  what: 'what an own peer may do to a channel: frames, acknowledgements, credit, epochs, lanes',
  maxBytes: 1024,
  seeds: () => [
    // open, data in and out of order, end; streams of ours, their acknowledgement, a ping; a new epoch
    Uint8Array.of(0, 3, 1, 1, 1, 0, 0, 0, 1, 2, 5, 1, 2, 3, 4, 5, 0, 0, 1, 4, 3, 9, 9, 9, 0, 0, 1, 3, 3, 8, 8, 8, 0, 1, 1, 5, 1, 0),
    Uint8Array.of(3, 1, 200, 3, 2, 100, 1, 3, 0, 0, 1, 1, 255, 2, 9, 4, 50, 0, 5, 0, 0, 4, 1, 2, 3, 4),
    Uint8Array.of(5, 1, 3, 1, 255, 6, 0, 6, 1, 4, 240, 5, 0, 3, 2, 255, 4, 255, 7, 1, 1, 2, 40, 2, 3, 4),
  ],
  check(input) {
    const read = new Reader(input);
    const delivered = new Map<number, number>();
    const ours = new Map<number, OutStream>();
    let nowMs = 1000;
    let deliveredBytes = 0;
    let nextStream = 1;
    const core: ChannelCore = new ChannelCore({
      path: 'a/b',
      salt: 'abcde',
      limits: LIMITS,
      counters: new Float64Array(COUNTER_NAMES.length),
      ports: {
        deliver: (stream, payload) => {
          deliveredBytes += payload.length;
          delivered.set(stream, (delivered.get(stream) ?? 0) + payload.length);
          hold((delivered.get(stream) as number) <= LIMITS.creditBytes, 'no stream delivers beyond its credit');
        },
        opened: () => {},
        ended: () => {},
        reset: (stream) => {
          delivered.delete(stream);
          ours.delete(stream);
        },
        room: () => {},
        sendingDone: () => {},
        wantSession: () => {},
        wantRelay: () => {},
        peerRestarted: (renumbered) => {
          delivered.clear();
          const kept = [...renumbered].map(([from, to]) => [to, ours.get(from)] as const);
          ours.clear();
          for (const [to, stream] of kept) if (stream !== undefined) ours.set(to, stream);
          nextStream = ours.size + 1;
        },
        failed: () => {},
        refused: () => {},
        carries: () => {},
      },
    });
    let lane = new TwinLane({ kind: 'direct', sid: 's0' });
    core.sessionUp({ sid: 's0', direction: 'in', own: true, epoch: 'e0', path: 'a/b' }, nowMs);
    core.laneUp(lane, nowMs);
    for (let steps = 0; read.more && steps < 300; steps += 1) {
      switch (read.byte() % 8) {
        case 0: {
          const [kind, stream, seq] = [KINDS[read.byte() % 4] as OwnKindCode, read.number(), read.number()];
          core.frame(lane, ownFrame(kind, stream, Math.min(seq, Number.MAX_SAFE_INTEGER), read.take(read.byte() * 8 + 1)), true, nowMs);
          break;
        }
        case 1: {
          const [nextSeq, answersPing, missingFrames] = [Math.max(1, read.number()), read.number() % 2 ** 32, read.number() % 2 ** 32];
          const limits = Array.from({ length: (read.byte() % 4) * 2 }, () => read.number()).map((value, index) =>
            index % 2 === 0 ? value % 2 ** 32 : value,
          );
          core.frame(
            lane,
            ownFrame(OwnKind.ack, read.number(), 0, encodeAck({ nextSeq, answersPing, missingFrames }, limits)),
            true,
            nowMs,
          );
          break;
        }
        case 2:
          core.frame(
            lane,
            ownFrame(
              KINDS[read.byte() % KINDS.length] as OwnKindCode,
              read.number(),
              0,
              read.byte() % 2 === 0 ? encodePing(read.byte()) : read.take(24),
            ),
            true,
            nowMs,
          );
          break;
        case 3: {
          const id = nextStream++;
          const stream = core.openStream(id, true, read.byte() % 2 === 0, nowMs);
          ours.set(id, stream);
          core.take(stream, new Uint8Array(read.number() % 8192), -1, nowMs);
          break;
        }
        case 4:
          nowMs += read.number() % 70_000;
          core.tick(nowMs);
          break;
        case 5: {
          const epoch = `e${read.byte() % 12}`;
          core.sessionUp(
            { sid: `s${read.byte() % 4}`, direction: read.byte() % 2 === 0 ? 'in' : 'out', own: read.byte() % 8 !== 0, epoch, path: 'a/b' },
            nowMs,
          );
          break;
        }
        case 6:
          core.laneDown(lane, 'the path died', nowMs);
          if (read.byte() % 2 === 0) core.sessionDown(lane.sid, nowMs);
          lane = new TwinLane({ kind: read.byte() % 2 === 0 ? 'direct' : 'relay', sid: `s${read.byte() % 4}` });
          core.laneUp(lane, nowMs);
          break;
        default: {
          // The application takes what it was given; a stream of ours ends or is reset; noise of any kind.
          const what = read.byte();
          for (const [stream, bytes] of delivered) core.consumed(stream, bytes, nowMs);
          for (const stream of delivered.keys()) delivered.set(stream, 0);
          const [first] = ours.values();
          if (first !== undefined && what % 3 === 0) core.endStream(first, nowMs);
          if (first !== undefined && what % 3 === 1) core.resetStream(first, 'no more', nowMs);
          core.frame(lane, read.take(what), true, nowMs);
        }
      }
      hold(core.in.heldFrames <= LIMITS.reorderFrames, 'what waits behind a hole is bounded');
      let sent = 0;
      while (lane.transmit() !== undefined) hold(++sent < 5000, 'one word of a peer does not make us talk without end');
    }
    hold(deliveredBytes <= input.length * 8 * 300, 'nothing is delivered that was not sent');
  },
};
