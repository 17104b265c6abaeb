// One side of an SDP and ICE exchange, rule by rule.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Negotiation, type NegotiationOptions, type NegotiationOutput } from '../../native-free/session/index.js';

const SDP = 'v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:data\r\na=ice-ufrag:here\r\n';
const REMOTE = 'v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:7\r\na=ice-ufrag:there\r\n';
const candidate = (n: number): string => `candidate:${n} 1 UDP 2122 10.0.0.${n} 4000 typ host`;

function drain(negotiation: Negotiation): NegotiationOutput[] {
  const outputs: NegotiationOutput[] = [];
  for (let output = negotiation.poll(); output !== undefined; output = negotiation.poll()) outputs.push(output);
  return outputs;
}

const description = (type: 'offer' | 'answer', sdp: string): string => JSON.stringify({ type, sdp });
/** An answer names the offer that it is to. */
const sent = (type: 'offer' | 'answer', sdp: string): NegotiationOutput => ({
  kind: 'send',
  knd: `sdp_${type}`,
  tok: JSON.stringify({ type, sdp, ...(type === 'answer' ? { offer: 'there' } : {}) }),
});
const sentCandidate = (n: number, mid = 'data'): NegotiationOutput => ({
  kind: 'send',
  knd: 'ice_candidate',
  tok: `{"candidate":"${candidate(n)}","sdpMid":"${mid}","sdpMLineIndex":0,"usernameFragment":null}`,
});
const remoteCandidate = (text: string, sdpMid: unknown = ''): string =>
  JSON.stringify({ candidate: text, sdpMid, sdpMLineIndex: 0, usernameFragment: null });
const added = (n: number, mid = '7'): NegotiationOutput => ({ kind: 'add-candidate', candidate: candidate(n), mid });

function offerer(options: Partial<NegotiationOptions> = {}): Negotiation {
  const negotiation = new Negotiation({ role: 'offerer', ...options });
  negotiation.start(0);
  return negotiation;
}

/** An offerer that sent its offer, without candidates, at 250. */
function offered(): Negotiation {
  const negotiation = offerer();
  negotiation.handleLocalDescription('offer', SDP, 0);
  negotiation.handleTimeout(250);
  drain(negotiation);
  return negotiation;
}

/** An answerer that was offered to at 0 and answered, without candidates, at 250. */
function answered(): Negotiation {
  const negotiation = new Negotiation({ role: 'answerer' });
  negotiation.handleSignal('sdp_offer', description('offer', REMOTE), undefined, 0);
  negotiation.handleLocalDescription('answer', SDP, 0);
  negotiation.handleTimeout(250);
  drain(negotiation);
  return negotiation;
}

describe('an offerer', () => {
  it('holds the offer until gathering is complete', () => {
    const negotiation = offerer();
    negotiation.handleLocalDescription('offer', SDP, 5);
    negotiation.handleLocalCandidate(candidate(1), 'data', 10);
    expect([drain(negotiation), negotiation.state, negotiation.timeoutMs()]).toEqual([[], 'gathering', 255]);
    negotiation.handleGatheringComplete(`${SDP}a=${candidate(1)}\r\na=end-of-candidates\r\n`, 20);
    expect(drain(negotiation)).toEqual([sent('offer', `${SDP}a=${candidate(1)}\r\na=end-of-candidates\r\n`)]);
    expect(negotiation.state).toBe('offered');
  });

  it('sends it at the cap with the candidates there are, and the others one by one', () => {
    const negotiation = offerer();
    negotiation.handleLocalDescription('offer', SDP, 0);
    negotiation.handleLocalCandidate(`a=${candidate(1)}`, 'data', 10);
    negotiation.handleLocalCandidate(candidate(1), 'data', 11);
    negotiation.handleTimeout(249);
    expect(drain(negotiation)).toEqual([]);
    negotiation.handleTimeout(250);
    expect(drain(negotiation)).toEqual([sent('offer', `${SDP}a=${candidate(1)}\r\n`)]);
    negotiation.handleLocalCandidate(candidate(2), 'data', 400);
    negotiation.handleLocalCandidate(candidate(1), 'data', 401);
    expect(drain(negotiation)).toEqual([sentCandidate(2)]);
    // Completion brings one that the addon did not announce by itself.
    negotiation.handleGatheringComplete(`${SDP}a=${candidate(1)}\r\na=${candidate(3)}\r\n`, 900);
    expect(drain(negotiation)).toEqual([sentCandidate(3)]);
  });

  it('sends the same offer again until it is answered, because one right behind an Accept may be dropped', () => {
    const negotiation = offered();
    const offer = sent('offer', SDP);
    const at: number[] = [];
    for (let n = 0; n < 3; n++) {
      const time = negotiation.timeoutMs() ?? 0;
      at.push(time);
      negotiation.handleTimeout(time);
      expect(drain(negotiation)).toEqual([offer]);
    }
    expect(at).toEqual([500, 1250, 3250]);
    expect(negotiation.timeoutMs()).toBe(15_000);
  });

  it('sends it again only once after a stall of its thread', () => {
    const negotiation = offered();
    negotiation.handleTimeout(9000);
    expect(drain(negotiation)).toEqual([sent('offer', SDP)]);
  });

  it('applies the answer, then what came before it, then sends all candidates once more', () => {
    const negotiation = offered();
    negotiation.handleLocalCandidate(candidate(1), 'data', 300);
    drain(negotiation);
    negotiation.handleSignal('ice_candidate', remoteCandidate(candidate(8)), undefined, 310);
    expect(drain(negotiation)).toEqual([]);
    expect(negotiation.handleSignal('sdp_answer', description('answer', REMOTE), undefined, 320)).toBe('taken');
    expect(drain(negotiation)).toEqual([{ kind: 'set-remote', type: 'answer', sdp: REMOTE }, added(8), sentCandidate(1)]);
    expect([negotiation.state, negotiation.timeoutMs()]).toEqual(['connecting', 15_000]);
    expect(negotiation.handleSignal('sdp_answer', description('answer', `${REMOTE}a=x\r\n`), undefined, 330)).toBe('repeated');
    expect(drain(negotiation)).toEqual([]);
  });

  it('does not take an answer to what it never offered, nor an offer', () => {
    const negotiation = offerer();
    expect(negotiation.handleSignal('sdp_answer', description('answer', REMOTE), undefined, 5)).toBe('late');
    expect(negotiation.handleSignal('sdp_offer', description('offer', REMOTE), undefined, 5)).toBe('ignored');
    expect(drain(negotiation)).toEqual([]);
  });

  it('does not take the answer to an offer that it made before, which may still be on its way', () => {
    const negotiation = offered();
    const answerTo = (offer: string): string => JSON.stringify({ type: 'answer', sdp: REMOTE, offer });
    expect(negotiation.handleSignal('sdp_answer', answerTo('before'), undefined, 260)).toBe('late');
    expect([drain(negotiation), negotiation.state]).toEqual([[], 'offered']);
    expect(negotiation.handleSignal('sdp_answer', answerTo('here'), undefined, 270)).toBe('taken');
  });

  it('measures from its first offer to the open channel, and then only trickles', () => {
    const negotiation = offered();
    negotiation.handleSignal('sdp_answer', description('answer', REMOTE), undefined, 320);
    drain(negotiation);
    negotiation.handleConnected(400);
    expect([negotiation.state, negotiation.offerToOpenMs, negotiation.timeoutMs()]).toEqual(['connected', 150, undefined]);
    negotiation.handleLocalCandidate(candidate(5), 'data', 500);
    expect(drain(negotiation)).toEqual([sentCandidate(5)]);
    negotiation.handleTimeout(20_000);
    expect(drain(negotiation)).toEqual([]);
  });
});

describe('an answerer', () => {
  it('answers an offer that comes before anything was started', () => {
    const negotiation = new Negotiation({ role: 'answerer' });
    expect(negotiation.handleSignal('sdp_offer', description('offer', REMOTE), undefined, 100)).toBe('taken');
    expect(drain(negotiation)).toEqual([{ kind: 'set-remote', type: 'offer', sdp: REMOTE }]);
    negotiation.handleLocalDescription('answer', SDP, 110);
    negotiation.handleLocalCandidate(candidate(1), 'data', 120);
    negotiation.handleGatheringComplete('', 130);
    expect(drain(negotiation)).toEqual([sent('answer', `${SDP}a=${candidate(1)}\r\n`)]);
    expect([negotiation.state, negotiation.timeoutMs()]).toEqual(['answered', 15_100]);
    negotiation.handleConnected(180);
    expect(negotiation.offerToOpenMs).toBe(80);
  });

  it('answers a repeated offer with the same answer and its candidates, and does not apply it again', () => {
    const negotiation = answered();
    negotiation.handleLocalCandidate(candidate(2), 'data', 300);
    expect(drain(negotiation)).toEqual([sentCandidate(2)]);
    expect(negotiation.handleSignal('sdp_offer', description('offer', REMOTE), undefined, 500)).toBe('repeated');
    expect(drain(negotiation)).toEqual([sent('answer', SDP), sentCandidate(2)]);
  });

  it('keeps the repeated offer for later while its answer is still being gathered', () => {
    const negotiation = new Negotiation({ role: 'answerer' });
    negotiation.handleSignal('sdp_offer', description('offer', REMOTE), undefined, 0);
    drain(negotiation);
    expect(negotiation.handleSignal('sdp_offer', description('offer', REMOTE), undefined, 10)).toBe('repeated');
    expect(drain(negotiation)).toEqual([]);
  });

  it('says nothing to a repeated offer once the channel is open', () => {
    const negotiation = answered();
    negotiation.handleConnected(300);
    negotiation.handleSignal('sdp_offer', description('offer', REMOTE), undefined, 500);
    expect(drain(negotiation)).toEqual([]);
  });

  it('ends when the peer begins again with another connection', () => {
    const negotiation = answered();
    const again = REMOTE.replace('there', 'anew');
    expect(negotiation.handleSignal('sdp_offer', description('offer', again), undefined, 500)).toBe('taken');
    expect(drain(negotiation)).toEqual([{ kind: 'failed', reason: 'the peer began again' }]);
  });

  it('starts its deadline when it is told to, offer or none', () => {
    const negotiation = new Negotiation({ role: 'answerer', connectDeadlineMs: 4000 });
    negotiation.start(100);
    expect([negotiation.state, negotiation.timeoutMs()]).toEqual(['new', 4100]);
    negotiation.handleTimeout(4100);
    // Nobody has ever signalled, so nobody is told.
    expect(drain(negotiation)).toEqual([{ kind: 'failed', reason: 'connect deadline: no offer came within 4 s' }]);
  });
});

describe('candidates of a peer', () => {
  it('wait for the description and get its mid where they bring none', () => {
    const negotiation = new Negotiation({ role: 'answerer' });
    negotiation.handleSignal('ice_candidate', remoteCandidate(candidate(1), ''), undefined, 0);
    negotiation.handleSignal('ice_candidate', remoteCandidate(candidate(2), null), undefined, 0);
    negotiation.handleSignal('ice_candidate', remoteCandidate(candidate(3), '9'), undefined, 0);
    expect([drain(negotiation), negotiation.state]).toEqual([[], 'new']);
    negotiation.handleSignal('sdp_offer', description('offer', REMOTE), undefined, 5);
    expect(drain(negotiation)).toEqual([{ kind: 'set-remote', type: 'offer', sdp: REMOTE }, added(1), added(2), added(3, '9')]);
  });

  it('get mid 0 from a description without one', () => {
    const negotiation = new Negotiation({ role: 'answerer' });
    negotiation.handleSignal('ice_candidate', remoteCandidate(candidate(1)), undefined, 0);
    negotiation.handleSignal('sdp_offer', description('offer', 'v=0\n'), undefined, 5);
    expect(drain(negotiation)[1]).toEqual(added(1, '0'));
  });

  it('are the same candidate in every spelling, and applied once', () => {
    const negotiation = answered();
    const bare = candidate(1).slice('candidate:'.length);
    for (const spelling of [`a=${candidate(1)}`, candidate(1), bare, ` ${bare}\r\n`]) {
      expect(negotiation.handleSignal('ice_candidate', remoteCandidate(spelling), undefined, 300)).toBe('taken');
    }
    expect(drain(negotiation)).toEqual([added(1)]);
  });

  it('that the description brought itself are not applied again', () => {
    const negotiation = new Negotiation({ role: 'answerer' });
    negotiation.handleSignal('ice_candidate', remoteCandidate(candidate(1)), undefined, 0);
    const sdp = `${REMOTE}a=${candidate(1)}\r\n`;
    negotiation.handleSignal('sdp_offer', description('offer', sdp), undefined, 5);
    negotiation.handleSignal('ice_candidate', remoteCandidate(candidate(1)), undefined, 6);
    expect(drain(negotiation)).toEqual([{ kind: 'set-remote', type: 'offer', sdp }]);
  });

  it('are bounded before the description and in all', () => {
    const negotiation = new Negotiation({ role: 'answerer' });
    for (let n = 0; n < 100; n++) negotiation.handleSignal('ice_candidate', remoteCandidate(candidate(n)), undefined, 0);
    expect(negotiation.droppedCandidates).toBe(36);
    negotiation.handleSignal('sdp_offer', description('offer', REMOTE), undefined, 5);
    expect(drain(negotiation)).toHaveLength(65);
    for (let n = 100; n < 1000; n++) negotiation.handleSignal('ice_candidate', remoteCandidate(candidate(n)), undefined, 0);
    expect(drain(negotiation)).toHaveLength(256 - 64);
  });

  it('that say only that there are no more are no candidates', () => {
    const negotiation = answered();
    expect(negotiation.handleSignal('ice_candidate', remoteCandidate(''), undefined, 300)).toBe('ignored');
    expect([drain(negotiation), negotiation.badSignals]).toEqual([[], 0]);
  });
});

describe('signals that make no sense', () => {
  it.each([
    ['sdp_offer', undefined],
    ['sdp_offer', ''],
    ['sdp_offer', '{'],
    ['sdp_offer', '[]'],
    ['sdp_offer', 'null'],
    ['sdp_offer', '{"type":"offer"}'],
    ['sdp_offer', '{"type":"offer","sdp":7}'],
    ['sdp_offer', '{"type":"answer","sdp":"v=0"}'],
    ['sdp_offer', JSON.stringify({ type: 'offer', sdp: 'x'.repeat(70_000) })],
    ['ice_candidate', '{"candidate":{}}'],
    ['ice_candidate', '{"candidate":"1 1 UDP","sdpMid":7}'],
    ['ice_candidate', JSON.stringify({ candidate: 'x'.repeat(2000) })],
    ['ice_candidate', JSON.stringify({ candidate: 'candidate:1\r\na=setup:active' })],
  ])('are counted: %s %s', (knd, tok) => {
    const negotiation = new Negotiation({ role: 'answerer' });
    expect(negotiation.handleSignal(knd, tok, undefined, 0)).toBe('bad');
    expect([negotiation.badSignals, drain(negotiation), negotiation.state]).toEqual([1, [], 'new']);
  });

  it("are ignored when they are another program's", () => {
    const negotiation = new Negotiation({ role: 'answerer' });
    for (const knd of ['quic_offer', 'quic_error', 'anything', '']) {
      expect(negotiation.handleSignal(knd, 'x', undefined, 0)).toBe('ignored');
    }
    expect(negotiation.badSignals).toBe(0);
  });

  it('never throw', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('offerer' as const, 'answerer' as const),
        fc.array(
          fc.record({
            knd: fc.constantFrom('sdp_offer', 'sdp_answer', 'ice_candidate', 'webrtc_error', 'other'),
            tok: fc.oneof(
              fc.string(),
              fc.json(),
              fc.record({ candidate: fc.string(), sdp: fc.string() }).map((value) => JSON.stringify(value)),
            ),
          }),
        ),
        (role, signals) => {
          const negotiation = new Negotiation({ role });
          negotiation.start(0);
          for (const { knd, tok } of signals) negotiation.handleSignal(knd, tok, tok, 1);
          let remoteSet = false;
          for (const output of drain(negotiation)) {
            if (output.kind === 'set-remote') remoteSet = true;
            if (output.kind === 'add-candidate') expect(remoteSet).toBe(true);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('a negotiation that fails', () => {
  it('tells a peer that waits, once, and is over', () => {
    const negotiation = offered();
    negotiation.handleFailed('ice failed', 600);
    negotiation.handleFailed('again', 601);
    expect(drain(negotiation)).toEqual([
      { kind: 'send', knd: 'webrtc_error', err: 'ice failed' },
      { kind: 'failed', reason: 'ice failed' },
    ]);
    negotiation.handleLocalCandidate(candidate(1), 'data', 700);
    negotiation.handleConnected(700);
    expect(negotiation.handleSignal('sdp_answer', description('answer', REMOTE), undefined, 700)).toBe('late');
    expect([drain(negotiation), negotiation.state, negotiation.timeoutMs()]).toEqual([[], 'failed', undefined]);
  });

  it('by the deadline does so too', () => {
    const negotiation = offered();
    negotiation.handleTimeout(15_000);
    expect(drain(negotiation)).toEqual([
      { kind: 'send', knd: 'webrtc_error', err: 'connect deadline: the offer was not answered within 15 s' },
      { kind: 'failed', reason: 'connect deadline: the offer was not answered within 15 s' },
    ]);
  });

  it('by the peer’s word does not answer it', () => {
    const negotiation = offered();
    negotiation.handleSignal('webrtc_error', undefined, `no addon ${'!'.repeat(5000)}`, 600);
    const [output] = drain(negotiation);
    expect(output?.kind === 'failed' && output.reason.startsWith('the peer: no addon !') && output.reason.length < 250).toBe(true);
  });

  it('after it was connected says so here and sends nothing', () => {
    const negotiation = answered();
    negotiation.handleConnected(300);
    negotiation.handleFailed('channel closed', 9000);
    expect(drain(negotiation)).toEqual([{ kind: 'failed', reason: 'channel closed' }]);
  });
});
