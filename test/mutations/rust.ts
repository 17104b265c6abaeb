// The defects of upstream's Rust client, rows R of wire.md 11: what they would do to our client, or make it do.
import { type Mutation, mutation } from './mutation.js';
import { CORE, DROPS_EARLY_DATA, INBOUND, OUTBOUND } from './places.js';

export const RUST: readonly Mutation[] = [
  mutation(
    'R1',
    'the end of the streams of a client that was started anew',
    ['src/interop-rust', 'that is started anew costs the stream loudly when it speaks, and gets the next one'],
    ['src/control/inbound-control', 'if (output.reattached !== true)', 'if (false)'],
  ),
  mutation(
    'R2',
    'TURN servers without credentials left out',
    ['src/interop-server', 'is connected through the header of an unconfigured server, which names a TURN server without credentials'],
    ['workers/lanes/ice-servers', "else if (scheme !== 'turn' || transport === 'tcp')", 'else if (false)'],
    ['workers/lanes/ice-servers', "else if (user === undefined || user === '' || pass === undefined || pass === '')", 'else if (false)'],
  ),
  mutation(
    'R3',
    'the loud end of a hole that stays open',
    [
      'src/interop-late',
      'a Rust client that sent on although nobody had accepted costs the stream loudly: the numbers it used up are missed',
    ],
    [CORE, 'if (inFlow?.gapSinceMs === undefined || nowMs < inFlow.gapSinceMs + this.#limits.gapMs)', 'if (true)'],
  ),
  mutation(
    'R4',
    'no byte behind a hole before those in it',
    [
      'src/interop-late',
      'a Rust client that sent on although nobody had accepted costs the stream loudly: the numbers it used up are missed',
    ],
    ['native-free/channel/in-flow', 'reorder.accept(seq, payload', 'reorder.accept(reorder.nextSeq, payload'],
  ),
  mutation(
    'R5',
    'bytes held until an application is there',
    ['src/stream', 'holds what was sent until the far application is there'],
    ['workers/tcp/streams', '            stream.held.push(bytes);', ''],
  ),
  mutation(
    'R6',
    'patience with an Open that is not answered',
    ['src/interop-rust', 'whose reading stands still for seconds is asked again until it answers, and gets the stream from its first byte'],
    [
      OUTBOUND,
      "if (this.#state === 'opening')\n            this.#pace.countSilence();",
      "if (this.#state === 'opening')\n            return this.close('fallback');",
    ],
  ),
  mutation('R7', 'session ids of eight characters and more', DROPS_EARLY_DATA, [
    'src/control/outbound-control',
    'newSid: randomUUID,',
    'newSid: () => randomUUID().slice(0, 6),',
  ]),
  mutation(
    'R9',
    'the check of an Open’s path',
    ['src/defects', 'is answered by nothing on paths that lead out of the tree'],
    [INBOUND, "if (checkPath(pth) !== 'ok')", 'if (false)'],
  ),
  mutation(
    'R10',
    'the loud end of a data channel that ends without a word',
    ['src/interop-rust', 'that loses its data channel in mid-stream costs the stream loudly: no byte is skipped'],
    [CORE, 'if (!lossy || this.#numbers.untouched', 'if (true || this.#numbers.untouched'],
  ),
  mutation(
    'R13',
    'candidates sent once more behind the answer',
    ['native-free/negotiation', 'applies the answer, then what came before it, then sends all candidates once more'],
    [
      'native-free/session/negotiation',
      "        this.#setRemote('answer', sdp);\n        // A Rust answerer drops candidates that come before it has made its connection, which the answer now proves (wire spec 5.6).\n        this.#sendAllCandidates();",
      "        this.#setRemote('answer', sdp);",
    ],
  ),
  mutation(
    'R14',
    'order of an application’s frames by their numbers',
    ['src/ipc-upstream', 'hands on path, etag and number of each Data, in the order of the numbers'],
    ['native-free/channel/in-flow', 'reorder.accept(seq, payload', 'reorder.accept(reorder.nextSeq, payload'],
  ),
  mutation(
    'R15',
    'the peer named in every Open',
    ['src/defects', 'is not shown our Open, and so cannot take the session from the peer'],
    [OUTBOUND, "...(peer === '' ? {} : { to: peer })", ''],
  ),
];
