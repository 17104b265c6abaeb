// Rules of wire.md 13 that answer no row of 11, or several.
import { type Mutation, mutation } from './mutation.js';
import { CORE, DROPS_EARLY_DATA, EMPTY_PAYLOADS, INBOUND, OUTBOUND, RELAY_ROUTER } from './places.js';

export const RULES: readonly Mutation[] = [
  mutation('13.2', 'asking again', DROPS_EARLY_DATA, [
    OUTBOUND,
    "if (this.#state === 'opening')\n            this.#pace.countSilence();",
    'return;',
  ]),
  mutation(
    '13.3',
    'silence toward an Open that is not for us',
    ['src/defects', 'opens our channel in vain: neither Accept nor Reject, and the peer’s Open still works'],
    [
      INBOUND,
      "this.#outputs.push({ kind: 'refused', sid, reason });",
      "this.#outputs.push({ kind: 'refused', sid, reason }, { kind: 'send', message: { typ: 11, sid, rsn: reason } });",
    ],
  ),
  mutation(
    '13.4',
    'the refusal of an empty payload from the relay',
    EMPTY_PAYLOADS,
    [RELAY_ROUTER, 'if (at.payBytes === 0)', 'if (false)'],
    [RELAY_ROUTER, 'if (message.pay.length === 0)', 'if (false)'],
    [CORE, 'if (view.payloadBytes === 0)', 'if (false)'],
  ),
  mutation(
    '13.4',
    'the refusal of an empty payload from a data channel',
    ['src/interop-rust', 'that sends an empty frame on its data channel loses nothing but that'],
    [CORE, 'if (view.payloadBytes === 0)', 'if (false)'],
  ),
  mutation(
    '13.5',
    'frames of 65,535 bytes at most toward a Rust client',
    ['src/interop-rust', 'gets no message larger than its receive buffer, whatever our chunk size says'],
    ['workers/lanes/webrtc', 'const RUST_MESSAGE_BYTES = 65_535', 'const RUST_MESSAGE_BYTES = 1_000_000'],
    ['workers/lanes/webrtc', 'Math.min(channel.maxMessageSize(), RUST_MESSAGE_BYTES)', 'RUST_MESSAGE_BYTES'],
  ),
  mutation(
    '13.5',
    'an offer that is sent again',
    ['native-free/negotiation', 'sends the same offer again until it is answered, because one right behind an Accept may be dropped'],
    ['native-free/session/negotiation', 'if (due && this.#sentTok !== undefined)', 'if (false)'],
  ),
  mutation(
    '13.5',
    'deafness to the answer to an offer that was replaced',
    ['native-free/negotiation', 'does not take the answer to an offer that it made before, which may still be on its way'],
    ['native-free/session/negotiation', 'offer !== undefined && offer !== iceUfrag', 'false && offer !== iceUfrag'],
  ),
  mutation(
    '13.5',
    'deafness to what the worker said of a connection that was replaced',
    ['src/rtc-exchanges', 'the words of a peer connection that was replaced are not taken for those of the new one'],
    ['src/control/rtc-exchanges', 'if (record.rtcStarting > 0 || this.#orders.waiting(record.sid))', 'if (false)'],
  ),
  mutation(
    '13.7',
    'the time that a data channel is given to deliver what it took',
    ['src/interop-rust', 'gets what was written before we were stopped'],
    ['workers/channel/channel', 'const LINGER_MS = 1000', 'const LINGER_MS = 0'],
  ),
];
