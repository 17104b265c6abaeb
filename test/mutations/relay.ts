// The defects of upstream's server that our own relay must not have, and how each is put in.
import { type Mutation, mutation } from './mutation.js';

const SESSIONS = 'src/relay/sessions';
const ROUTER = 'src/relay/router';
const FLOW = 'src/relay/flow';

export const RELAY: readonly Mutation[] = [
  mutation(
    'S1',
    'one message after the other at the relay',
    ['src/relay-sessions', 'right behind an accept is not lost (defect S1)'],
    [ROUTER, 'this.onAccept(from, id, message.sid);', 'setImmediate(() => this.onAccept(from, id, message.sid));'],
  ),
  mutation(
    'S2',
    'a relay that stops a sender instead of dropping what it sends',
    ['src/relay-flow', 'stops its sender alone, costs bounded memory, and gets everything once it reads again'],
    [FLOW, 'this.queuedBytes += cost;', 'if (this.queuedBytes > this.limits.highWaterBytes) return;\n        this.queuedBytes += cost;'],
    [FLOW, 'cause.block(this);', ''],
  ),
  mutation(
    'S6',
    'the end of a client that takes nothing',
    ['src/relay-flow', 'for too long is disconnected, and its sender goes on'],
    [FLOW, 'return nowMs - this.seenAtMs >= stuckMs;', 'return false;'],
  ),
  mutation(
    'S6',
    'senders that go on when whom they waited for is gone',
    ['src/relay-flow', 'lets its feeders go when it closes, and no longer counts a feeder that is gone'],
    [FLOW, '        this.queuedBytes = 0;\n        this.releaseFeeders();', '        this.queuedBytes = 0;'],
  ),
  mutation(
    'S7',
    'answers to the newest connection of an opener that came back',
    ['src/relay-sessions', 'of the opener: answers reach its newest connection'],
    [ROUTER, 'session.openerParty ?? this.hub.newestOf(session.opener)', 'session.openerParty'],
  ),
  mutation(
    'S7',
    'the end of sessions whose opener stays away',
    ['src/relay-rules', 'are forgotten after a while, unless it comes back'],
    [SESSIONS, 'if (nowMs - sinceMs < this.rules.ttlMs)', 'if (true)'],
  ),
  mutation(
    'S7',
    'the bound of the sessions of a user',
    ['src/relay-rules', 'is bounded: the oldest that nobody accepted makes room'],
    [SESSIONS, 'own.size < this.rules.maxSessionsPerUser', 'true'],
  ),
  mutation(
    'S8',
    'session ids that belong to who used them first',
    ['src/relay-sessions', "does not take over somebody else's session (defect S8)"],
    [SESSIONS, 'if (existing.opener !== from.user)', 'if (false)'],
  ),
  mutation(
    'S8',
    'the deafness to an onlooker’s Reject and Close',
    ['src/relay-sessions', 'cannot be brought about by an onlooker who knows its id (defect S8)'],
    [ROUTER, 'if (!this.sessions.mayAnswer(session, from))', 'if (false)'],
  ),
  mutation(
    'S9',
    'Data of the opener alone',
    ['src/relay-sessions', 'from anybody but the opener is lost and counted; another connection of the opener may send'],
    [
      ROUTER,
      'if (session.opener !== from.user) {\n            this.counters.dataNotOpener++;',
      'if (false) {\n            this.counters.dataNotOpener++;',
    ],
  ),
  mutation(
    'S10',
    'ownership by the whole first segment',
    ['src/relay-sessions', '%s is rejected and counted'],
    ['native-free/acl/tree', 'if (ownerOf(path) === user)', 'if (path.startsWith(user))'],
  ),
  mutation(
    'S11',
    'the refusal of an Accept for a session that is over',
    ['src/relay-sessions', 'of an unknown session is rejected, of an own one passed over'],
    [
      SESSIONS,
      "if (session === undefined)\n            return 'unknown session';",
      "if (session === undefined)\n            return 'own';",
    ],
  ),
  mutation(
    'G9',
    'an answer to every ping',
    ['src/relay-http', 'answers pings'],
    ['src/relay/connection', 'if (socket.bufferedAmount < MAX_PONG_BACKLOG_BYTES)', 'if (false)'],
  ),
  mutation(
    'R7',
    'the refusal of session ids that a Rust client dies of',
    ['src/relay-sessions', 'with a session id that would crash a Rust client is rejected'],
    [SESSIONS, 'if (!SID.test(sid))', 'if (false)'],
  ),
];
