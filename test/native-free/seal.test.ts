// The key exchange between two sides on a network that loses, repeats and forges, with real keys; and which counters pass a replay window.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatKeyToken,
  KeyExchange,
  type KeyExchangeOptions,
  type KeyExchangeOutput,
  parseKeyToken,
  parseVoucher,
  ReplayWindow,
  SEAL_WAIT_MS,
  sdpCertificate,
} from '../../native-free/index.js';
import { newKeyCrypto } from '../../src/control/key-crypto.js';

const SID = '11111111-2222-4333-8444-555555555555';

type Decision = Exclude<KeyExchangeOutput, { kind: 'send' }>;

class Side {
  readonly exchange: KeyExchange;
  readonly decisions: Decision[] = [];
  constructor(role: 'opener' | 'acceptor', options: Partial<KeyExchangeOptions> = {}) {
    const [self, peer] = role === 'opener' ? (['a@x.io', 'b@x.io'] as const) : (['b@x.io', 'a@x.io'] as const);
    this.exchange = new KeyExchange({
      sid: SID,
      role,
      self: { email: self, epoch: self },
      peer: { email: peer, epoch: peer },
      enabled: true,
      crypto: newKeyCrypto(undefined),
      mustSeal: () => undefined,
      judge: () => undefined,
      ...options,
    });
  }
  /** What it says now; decisions are kept. */
  words(): string[] {
    const words: string[] = [];
    for (let output = this.exchange.poll(); output !== undefined; output = this.exchange.poll()) {
      if (output.kind === 'send') words.push(output.tok);
      else this.decisions.push(output);
    }
    return words;
  }
  get decision(): Decision | undefined {
    return this.decisions[0];
  }
}

/** Both start, and words are carried until nobody has any. @param carry what becomes of one word */
function run(a: Side, b: Side, carry: (tok: string, from: Side) => string[] = (tok) => [tok], untilMs = SEAL_WAIT_MS): void {
  b.exchange.start(0);
  a.exchange.start(0);
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 50) {
    for (const side of [a, b]) if ((side.exchange.timeoutMs() ?? Number.POSITIVE_INFINITY) <= nowMs) side.exchange.handleTimeout(nowMs);
    for (let quiet = false, turns = 0; !quiet; turns += 1) {
      if (turns > 100) throw new Error('the two sides never fall silent');
      quiet = true;
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        for (const word of from.words()) {
          quiet = false;
          for (const arrived of carry(word, from)) to.exchange.handleSignal(arrived);
        }
      }
    }
  }
}

describe('two sides that seal', () => {
  it('get the same keys, one per direction, and new ones for every session', () => {
    const keys = [0, 1].map(() => {
      const [a, b] = [new Side('opener'), new Side('acceptor')];
      run(a, b);
      if (a.decision?.kind !== 'sealed' || b.decision?.kind !== 'sealed') throw new Error('not sealed');
      expect(a.decision.keys.send).toEqual(b.decision.keys.open);
      expect(a.decision.keys.open).toEqual(b.decision.keys.send);
      expect(a.decision.keys.send).not.toEqual(a.decision.keys.open);
      return a.decision.keys.send;
    });
    expect(keys[0]).not.toEqual(keys[1]);
  });

  it('agree or refuse, and never settle for plain, on a network that loses and repeats', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 12 }), (fates) => {
        let at = 0;
        const [a, b] = [new Side('opener'), new Side('acceptor')];
        // Each word is lost, carried or doubled by the plan; after the plan all is carried, so that both hear of each other.
        run(a, b, (tok) => Array.from({ length: fates[at++] ?? 1 }, () => tok));
        const kinds = [a.decision?.kind, b.decision?.kind];
        const lostAll = fates.filter((fate) => fate === 0).length >= 4;
        if (!lostAll) expect(kinds).toEqual(['sealed', 'sealed']);
        if (a.decision?.kind === 'sealed' && b.decision?.kind === 'sealed') expect(a.decision.keys.send).toEqual(b.decision.keys.open);
      }),
      { numRuns: 300 },
    );
  });

  it('refuse when the last words never arrive, since both know by then that both can', () => {
    const [a, b] = [new Side('opener'), new Side('acceptor')];
    run(a, b, (tok) => (parseKeyToken(tok)?.kind === 'key' && JSON.parse(tok).of !== undefined ? [] : [tok]));
    expect([a.decision, b.decision]).toMatchObject([
      { kind: 'refused', again: true },
      { kind: 'refused', again: true },
    ]);
  });

  it('have other keys when somebody changed the epoch that one of them believes in', () => {
    const a = new Side('opener');
    const b = new Side('acceptor', { peer: { email: 'a@x.io', epoch: 'another' } });
    run(a, b);
    if (a.decision?.kind !== 'sealed' || b.decision?.kind !== 'sealed') throw new Error('not sealed');
    expect(a.decision.keys.send).not.toEqual(b.decision.keys.open);
  });
});

describe('a side whose peer does not seal', () => {
  it('goes on in plain after it was told so, at once, or after the wait when it hears nothing', () => {
    const told = new Side('opener');
    told.exchange.start(0);
    told.exchange.handleSignal(formatKeyToken({ kind: 'off', reason: 'old\nprogram' }));
    told.words();
    expect(told.decision).toEqual({ kind: 'plain', reason: 'the peer does not seal: old?program' });
    const alone = new Side('opener');
    alone.exchange.start(0);
    alone.exchange.handleTimeout(SEAL_WAIT_MS - 1);
    alone.words();
    expect(alone.decision).toBeUndefined();
    alone.exchange.handleTimeout(SEAL_WAIT_MS);
    alone.words();
    expect(alone.decision?.kind).toBe('plain');
  });

  it('refuses the relay when it must seal, and so does a peer that is told', () => {
    const insists = new Side('opener', { mustSeal: () => 'it is required here' });
    const off = new Side('acceptor', { enabled: false });
    run(insists, off);
    expect(insists.decision).toMatchObject({ kind: 'refused', untrusted: false });
    expect(off.decisions.map(({ kind }) => kind)).toEqual(['plain', 'refused']);
  });

  it('is not talked out of sealing after the peer said that it can', () => {
    const a = new Side('opener');
    a.exchange.start(0);
    a.exchange.handleSignal(formatKeyToken({ kind: 'key', ephemeral: newKeyCrypto(undefined).ephemeral, required: false }));
    expect(a.exchange.handleSignal(formatKeyToken({ kind: 'off', reason: 'says the relay' }))).toHaveProperty('refused');
    a.words();
    expect(a.decision).toBeUndefined();
  });

  it('is heard again after an interruption, and then neither side stays in plain unknowingly', () => {
    const [a, b] = [new Side('opener'), new Side('acceptor')];
    run(a, b, () => []);
    expect([a.decision?.kind, b.decision?.kind]).toEqual(['plain', 'plain']);
    b.exchange.resume(60_000);
    for (const word of b.words()) a.exchange.handleSignal(word);
    a.words();
    // The opener makes a new session of it.
    expect(a.decisions.at(-1)).toMatchObject({ kind: 'refused', again: true });
  });

  it('goes on with an exchange that an interruption cut in two', () => {
    const [a, b] = [new Side('opener'), new Side('acceptor')];
    run(a, b, () => [], SEAL_WAIT_MS - 100);
    b.exchange.resume(0);
    a.exchange.resume(0);
    const carry = (from: Side, to: Side): void => {
      for (const word of from.words()) to.exchange.handleSignal(word);
    };
    for (let turn = 0; turn < 4; turn += 1) {
      carry(b, a);
      carry(a, b);
    }
    expect([a.decision?.kind, b.decision?.kind]).toEqual(['sealed', 'sealed']);
  });

  it('gives a session up whose peer turns out to seal, only late', () => {
    const a = new Side('opener');
    a.exchange.start(0);
    a.exchange.handleTimeout(SEAL_WAIT_MS);
    a.exchange.handleSignal(formatKeyToken({ kind: 'key', ephemeral: newKeyCrypto(undefined).ephemeral, required: false }));
    a.words();
    expect(a.decisions.map(({ kind }) => kind)).toEqual(['plain', 'refused']);
  });
});

describe('a Signal of the key exchange', () => {
  it('of any content is read or refused, never thrown at', () => {
    const value = fc.oneof(fc.string(), fc.constant(undefined), fc.json());
    fc.assert(
      fc.property(value, (tok) => {
        const a = new Side('opener');
        a.exchange.start(0);
        a.exchange.handleSignal(tok);
        parseVoucher(tok === undefined ? undefined : [tok, `hl1-voucher ${tok}`]);
        a.words();
        expect(a.decision?.kind).not.toBe('sealed');
      }),
    );
  });

  it.each([
    ['cut short', (key: string) => key.slice(4)],
    ['not base64', () => '*'.repeat(44)],
    ['too long', (key: string) => key + key],
  ])('with a key that is %s is refused', (_what, change) => {
    const token = JSON.parse(formatKeyToken({ kind: 'key', ephemeral: new Uint8Array(32).fill(7), required: false }));
    expect(parseKeyToken(JSON.stringify(token))).toMatchObject({ kind: 'key' });
    expect(parseKeyToken(JSON.stringify({ ...token, eph: change(token.eph) }))).toBeUndefined();
  });

  it('with our own key in it, or a key without a secret, seals nothing', () => {
    const crypto = newKeyCrypto(undefined);
    const a = new Side('opener', { crypto });
    a.exchange.start(0);
    const say = (ephemeral: Uint8Array): unknown =>
      a.exchange.handleSignal(formatKeyToken({ kind: 'key', ephemeral, required: false, of: crypto.ephemeral }));
    expect(say(crypto.ephemeral)).toHaveProperty('refused');
    // Of order 2 on the curve: the secret would be zero for everybody.
    expect(say(new Uint8Array(32))).toHaveProperty('refused');
    a.words();
    expect(a.decision).toBeUndefined();
  });
});

describe('the certificate in a description', () => {
  it('is the same however it is spelled, and other when one is added', () => {
    const one = 'v=0\r\na=fingerprint:sha-256 AA:BB\r\nm=x\r\n';
    expect(sdpCertificate(one)).toBe('sha-256 aa:bb');
    expect(sdpCertificate('a=fingerprint:SHA-256  aa:bb\na=fingerprint:sha-256 AA:BB\n')).toBe('sha-256 aa:bb');
    expect(sdpCertificate(`${one}a=fingerprint:sha-256 CC:DD\r\n`)).not.toBe(sdpCertificate(one));
    expect(sdpCertificate('v=0\r\n')).toBe('');
  });
});

describe('a replay window', () => {
  it('lets every counter pass once, in whatever order, unless it is too far behind', () => {
    const counters = fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 400 });
    fc.assert(
      fc.property(counters, (sequence) => {
        const window = new ReplayWindow();
        const seen = new Set<number>();
        let highest = 0;
        for (const counter of sequence) {
          const expected = !seen.has(counter) && counter > highest - 4096;
          expect(window.isFresh(counter)).toBe(expected);
          if (!expected) continue;
          window.mark(counter);
          seen.add(counter);
          highest = Math.max(highest, counter);
        }
      }),
    );
  });
});
