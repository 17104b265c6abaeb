// What a peer's offers may cost: each makes us dial addresses of its choice, so many of them are passed over.
import { expect, it } from 'vitest';
import { writeDirectSignal } from '../../native-free/index.js';
import { DirectExchanges } from '../../src/control/direct-exchanges.js';
import type { SessionRecord } from '../../src/control/session-record.js';
import type { ToChannel } from '../../workers/messages.js';

type Parts = ConstructorParameters<typeof DirectExchanges>;

it('a flood of offers starts a few attempts, then one every half a second', () => {
  const told: ToChannel[] = [];
  const record = { sid: 's', direction: 'out', sameHost: false, peer: { kind: 'hotlink' }, direct: {} } as unknown as SessionRecord;
  const exchanges = new DirectExchanges(
    { direct: {}, marker: { peer: 'bob@example.com' } } as unknown as Parts[0],
    { all: () => [record].values() } as unknown as Parts[1],
    { tell: (message: ToChannel) => told.push(message) } as unknown as Parts[2],
    { accepts: () => true } as unknown as Parts[3],
    { event: () => {} } as unknown as Parts[4],
  );
  let made = 0;
  const offers = (count: number, nowMs: number): number => {
    const before = told.filter(({ t }) => t === 'direct-start').length;
    for (let i = 0; i < count; i += 1) {
      made += 1;
      const party = { token: made.toString(16).padStart(32, '0'), fingerprint: 'cd'.repeat(32), addresses: ['192.0.2.1:9'] };
      exchanges.handleSignal(record, { typ: 14, sid: 's', knd: 'hl1_direct', ...writeDirectSignal({ kind: 'offer', party }) }, nowMs);
    }
    return told.filter(({ t }) => t === 'direct-start').length - before;
  };
  expect(offers(1000, 0)).toBe(16);
  expect(offers(1000, 5000)).toBe(10);
  expect(offers(1, 60_000)).toBe(1);
});
