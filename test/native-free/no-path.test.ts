// What a person is told when no path was found: each situation leads to its own remedy.
import { describe, expect, it } from 'vitest';
import { candidateKind, explainNoPath, type PathFacts } from '../../native-free/index.js';

const STUN = 'stun:stun.example:3478';
const TURN = 'turn:turn.example:3478?transport=udp';

function facts(local: string[], remote: string[], iceServers: string[], warnings: string[] = []): PathFacts {
  return { local: new Set(local), remote: new Set(remote), iceServers, warnings };
}

describe('no path was found', () => {
  it.each([
    ['without any address', facts([], ['host'], [STUN]), /found no network address/],
    ['without a word from the peer', facts(['host'], [], [STUN]), /the peer sent no address/],
    ['without servers', facts(['host'], ['host'], []), /no STUN or TURN server is in use/],
    [
      'behind a firewall that drops UDP',
      facts(['host'], ['host', 'srflx'], [STUN]),
      /no answer from stun:stun\.example:3478: UDP is blocked on this side/,
    ],
    [
      'with a TURN server that cannot be reached',
      facts(['host'], ['host'], [TURN]),
      /turn:.* gave no address: UDP to it is blocked, it is down, or it refuses user and password$/,
    ],
    [
      'with a TURN password that is wrong',
      facts(['host', 'srflx'], ['host', 'srflx'], [STUN, TURN]),
      /check user and password or the shared secret/,
    ],
    ['toward a peer that no TURN helps', facts(['host', 'relay'], ['host'], [TURN]), /UDP is blocked on the peer's side/],
    ['toward a peer without STUN', facts(['host', 'srflx'], ['host'], [STUN]), /the peer offered only addresses of its own network/],
    ['between two symmetric NATs', facts(['host', 'srflx'], ['host', 'srflx'], [STUN]), /a TURN server would help/],
  ])('%s', (_name, given, words) => {
    expect(explainNoPath(given)).toMatch(words);
  });

  it('says which servers were left out, and why', () => {
    expect(explainNoPath(facts(['host'], ['host'], [], ['TURN server "turn:t" has no credentials; left out']))).toMatch(
      /no STUN or TURN server is in use.*\(TURN server "turn:t" has no credentials; left out\)$/,
    );
  });
});

it('reads the kind of a candidate', () => {
  expect(candidateKind('candidate:1 1 UDP 1 192.0.2.1 9 typ srflx raddr 0.0.0.0 rport 0')).toBe('srflx');
  expect(candidateKind('candidate:')).toBe('');
});
