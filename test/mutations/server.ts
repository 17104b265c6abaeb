// The defects of upstream's server, rows S of wire.md 11: what our client does so that they harm neither it nor its peers.
import { type Mutation, mutation } from './mutation.js';
import { DROPS_EARLY_DATA, EMPTY_PAYLOADS, INBOUND, OUTBOUND, RELAY_ENTRY, RELAY_ROUTER, STOP_DELIVERS } from './places.js';

export const SERVER: readonly Mutation[] = [
  mutation('S1', 'order of Data by its number', EMPTY_PAYLOADS, [
    'native-free/channel/in-flow',
    'reorder.accept(seq, payload',
    'reorder.accept(reorder.nextSeq, payload',
  ]),
  mutation(
    'S1',
    'signals kept that come before their session',
    ['src/interop-rust', 'whose only offer overtakes its Accept in the server is connected all the same'],
    ['src/control/lane-exchanges', 'this.#early.put(signal.sid, signal, nowMs)', 'void 0'],
  ),
  mutation('S1', 'a Close that waits until the relay has taken the Data before it', STOP_DELIVERS, [
    RELAY_ENTRY,
    'message.typ !== MessageType.Close || !pace.pending',
    'true',
  ]),
  mutation(
    'S1',
    'another session for an offer that the server dropped',
    ['src/interop-rust', 'whose only offer overtakes its Accept and is dropped for that makes another one for a new session'],
    ['src/control/rtc-exchanges', "if (record.peer.kind !== 'rust' || this.#askedAgain)", 'if (true)'],
  ),
  mutation(
    'S2',
    'pacing toward a relay that may drop',
    ['src/interop-go', 'loses no frame of ours on the way to a Go client: we keep the queue short'],
    ['workers/relay/pace', 'return !this.#open && this.#sent - this.#confirmed >= WINDOW_MESSAGES', 'return false'],
  ),
  mutation('S3', 'no Data before the Accept', DROPS_EARLY_DATA, [
    OUTBOUND,
    "this.#wait('opening', nowMs + this.#pace.answerWaitMs());",
    "this.#wait('opening', nowMs + this.#pace.answerWaitMs()); this.#outputs.push({ kind: 'accepted', sid, peerKind: 'go' });",
  ]),
  mutation(
    'S4',
    'one Accept for an Open that comes twice',
    ['src/defects', 'can be killed by a second Accept gets one, although an Open comes twice'],
    [INBOUND, 'if (this.#bySid.has(sid) || this.#waiting.has(sid))', 'if (this.#waiting.has(sid))'],
  ),
  mutation(
    'S5',
    'the wait for the relay to deal with our Closes',
    ['src/interop-go', 'while a Go client streams to us does not end in a message for a connection that is gone'],
    [RELAY_ENTRY, 'if (socket.isUp && pace.pending)', 'if (false)'],
    [RELAY_ENTRY, 'if (socket.isUp)\n', 'if (false)\n'],
  ),
  mutation(
    'S6',
    'bytes held for an application that does not read, while the relay is read',
    ['src/defects', 'stands still while we do not read is read, although the application does not'],
    ['workers/tcp/streams', 'const UPSTREAM_HOLD_BYTES = 67_108_864', 'const UPSTREAM_HOLD_BYTES = 1_000_000'],
  ),
  mutation(
    'S7',
    'a new Open on a new connection',
    ['src/interop-go', 'while nothing is on its way costs nothing, in either direction'],
    [OUTBOUND, "        if (this.#state === 'accepted')\n            this.#replace(nowMs);\n        else if", '        if'],
  ),
  mutation(
    'S7',
    'sessions of peers accepted again on a new connection',
    ['src/interop-go', 'while nothing is on its way costs nothing, in either direction'],
    ['src/control/inbound-control', 'this.#sessions.reattach(sid)', 'void sid'],
  ),
  mutation('S7', 'a Close for an Open that was given up', DROPS_EARLY_DATA, [
    OUTBOUND,
    'if (this.#sid !== undefined)\n            this.#send(',
    'if (false)\n            this.#send(',
  ]),
  mutation('S7', 'a Close for our session at the end', STOP_DELIVERS, [OUTBOUND, '        this.#closeAll(reason);', '']),
  mutation('S8', 'session ids that nobody can guess', DROPS_EARLY_DATA, [
    'src/control/outbound-control',
    'newSid: randomUUID,',
    'newSid: () => "session-" + (globalThis.sessions = (globalThis.sessions ?? 0) + 1),',
  ]),
  mutation(
    'S8',
    'deafness to a Reject of a session that was accepted',
    ['src/defects', 'cannot end our session by refusing it'],
    [OUTBOUND, "(this.#state === 'accepted' && !unknown)", 'false'],
  ),
  mutation(
    'S9',
    'the sender of an Open must be the peer of its channel',
    ['src/defects', 'opens our channel in vain: neither Accept nor Reject, and the peer’s Open still works'],
    ['src/control/channels', 'if (channel.marker.peer === from)', 'if (true)'],
  ),
  mutation(
    'S9',
    'a path in Data that routes nothing',
    ['src/defects', 'that names another channel’s path in its Data reaches the channel of its session, and no other'],
    [RELAY_ROUTER, 'const route = this.routes.get(sid);', "const route = data.includes('/0_to_2/') ? undefined : this.routes.get(sid);"],
  ),
  mutation(
    'S9',
    'the check of the path that a frame names to an application',
    ['src/ipc-upstream', 'refuses a path outside of the session’s directory, a TCP channel’s above all'],
    ['workers/ipc/host', 'if (directoryOf(view.path()) === this.#task.directory)', 'if (true)'],
  ),
  mutation(
    'S10',
    'the whole name of the sender',
    [
      'src/defects',
      'whose name is the beginning of the peer’s, and who owns all of the peer’s paths at the server for it, opens our channel in vain',
    ],
    ['src/control/channels', 'if (channel.marker.peer === from)', 'if (channel.marker.peer.startsWith(from))'],
  ),
  mutation(
    'S11',
    'the end of a session whose Accept the server refuses',
    [
      'src/defects',
      'that gave up its Open before we knew the channel leaves nothing behind: the server refuses our Accept, and a new Open works',
    ],
    ['src/control/inbound-control', 'this.#sessions.handleReject(sid, reason)', 'void sid'],
  ),
  mutation(
    'S11',
    'the end of the memory of an Open that waits for its channel',
    ['native-free/inbound', 'is forgotten after its time'],
    ['native-free/session/waiting', 'if (open.expiresAtMs > nowMs)', 'if (true)'],
  ),
];
