// The defects of upstream's Go client, rows G of wire.md 11: what they would do to our client, or make it do.
import { type Mutation, mutation } from './mutation.js';
import { CORE, DROPS_EARLY_DATA, INBOUND, OUTBOUND } from './places.js';

export const GO: readonly Mutation[] = [
  mutation(
    'G1',
    'an etag of its own for each frame',
    ['src/interop-go', 'gets a stream of one letter, although it drops content that it saw before'],
    ['native-free/channel/framer', 'let rest = seq;', 'let rest = 7;'],
  ),
  mutation(
    'G1',
    'an etag for frames of applications that have none',
    [
      'src/ipc-upstream',
      'opens the path of the frame without a receiver, and sends each frame as one Data that no Go client takes for another',
    ],
    ['workers/ipc/leg', 'if (view.etagBytes > 0)', 'if (true)'],
  ),
  mutation(
    'G2',
    'numbers that go on over sessions',
    ['src/interop-go', 'gets the rest of a stream whose session had to be opened again'],
    ['native-free/channel/upstream-numbers', 'countsOn ? (this.#next.get(path) ?? 1) : 1', '1'],
  ),
  mutation(
    'G2',
    'numbers that begin anew with a client that was started anew',
    ['src/interop-go', 'costs the stream loudly when it speaks, and gets the next one from its first byte'],
    ['workers/channel/channel', 'this.#core.forgetNumbers();', ''],
  ),
  mutation('G3', 'no Data before the Accept: it would be dropped as of an unknown session', DROPS_EARLY_DATA, [
    OUTBOUND,
    "this.#wait('opening', nowMs + this.#pace.answerWaitMs());",
    "this.#wait('opening', nowMs + this.#pace.answerWaitMs()); this.#outputs.push({ kind: 'accepted', sid, peerKind: 'go' });",
  ]),
  mutation(
    'G4',
    'the loud end of a hole that stays open',
    ['native-free/channel-upstream', 'a hole that stays open names the session and the sequence number'],
    [CORE, 'if (inFlow?.gapSinceMs === undefined || nowMs < inFlow.gapSinceMs + this.#limits.gapMs)', 'if (true)'],
  ),
  mutation(
    'G5',
    'a probe that is nobody’s writer',
    ['src/stream', 'is not disturbed by connections that never send a byte'],
    [
      'workers/tcp/streams',
      '        const stream = this.#streamOf.get(connection);\n        if (stream === undefined) {',
      '        const stream = this.#streamOf.get(connection) ?? this.streams.values().next().value;\n        if (stream === undefined) {',
    ],
  ),
  mutation(
    'G5',
    'a probe that opens nothing',
    ['src/interop-go', 'does not see its end of a stream disturbed by a probe of our port'],
    [
      'workers/tcp/rendezvous',
      'this.idle.add(LocalConnection.accepted(socket, this));',
      'this.bind(this.create(this.core.highestStream + 1), LocalConnection.accepted(socket, this), true, true);',
    ],
  ),
  mutation(
    'G6',
    'the bound of what is held behind a hole',
    ['native-free/channel-upstream', 'no more than the window is held behind a hole; what does not fit ends the channel loudly'],
    ['native-free/reorder', 'this.#heldFrames >= this.#maxFrames ||', ''],
  ),
  mutation(
    'G6',
    'the loud end when no more can be held',
    ['native-free/channel-upstream', 'no more than the window is held behind a hole; what does not fit ends the channel loudly'],
    [CORE, "if (outcome !== 'full' && outcome !== 'bad-seq')", "if (outcome !== 'bad-seq')"],
  ),
  mutation(
    'G6',
    'a port that is tried again',
    ['workers/listener', 'a port that is in use is taken when it becomes free, and until then that is said once'],
    ['workers/tcp/listener', 'this.#retry = setTimeout(() => this.#listen(), RETRY_MS)', 'void 0'],
  ),
  mutation(
    'G7',
    'one session for a channel, the later one',
    [
      'src/defects',
      'that opens twice at once, as two sends of one client may, is heard on the later session alone, and told that the other is over',
    ],
    [INBOUND, 'if (oldSid !== undefined) {', 'if (false) {'],
  ),
  mutation(
    'G7',
    'the word that a session is over whose opener believes in it',
    [
      'src/defects',
      'that opens twice at once, as two sends of one client may, is heard on the later session alone, and told that the other is over',
    ],
    ['src/control/inbound-control', 'this.#sessions.handleStray(sid)', 'void sid'],
  ),
  mutation(
    'G8',
    'deafness to errors of QUIC',
    ['src/defects', 'that signals what we have no word for changes nothing'],
    ['src/control/control-messages', "message.knd === 'quic_error' && message.err === 'unknown session'", "message.knd === 'quic_error'"],
  ),
  mutation(
    'G10',
    'the marker of a TCP channel left alone',
    [
      'src/ipc-directories',
      'of a TCP channel stays the channel’s: its marker is not touched, consent opens no endpoint, and neither takes the other’s frames',
    ],
    ['src/control/ipc-address', 'return /^', 'return true || /^'],
  ),
];
