// The send gate: hysteresis between the watermarks, and a deadline that only a lane at a standstill reaches.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SendGate } from '../../native-free/gate.js';

describe('the watermarks', () => {
  it('close at high, and reopen only at low', () => {
    const gate = new SendGate({ highBytes: 1000, waitMs: 1500 });
    expect(gate.observe(999, 0)).toBe('open');
    expect(gate.observe(1000, 10)).toBe('closed');
    expect(gate.closedSinceMs).toBe(10);
    expect(gate.observe(999, 20)).toBe('closed');
    expect(gate.observe(501, 30)).toBe('closed');
    expect(gate.observe(500, 40)).toBe('open');
    expect([gate.closed, gate.closedSinceMs, gate.deadlineMs(), gate.stalls]).toEqual([false, undefined, undefined, 1]);
  });

  it('at high 0 let a send through whenever the buffer is empty, and do not deadlock', () => {
    const gate = new SendGate({ highBytes: 0, waitMs: 1500 });
    expect(gate.observe(0, 0)).toBe('open');
    expect(gate.observe(1, 1)).toBe('closed');
    expect(gate.observe(0, 2)).toBe('open');
  });

  it('are put in order when low is not below high, and clamped to what upstream allows', () => {
    const gate = new SendGate({ highBytes: 1000, lowBytes: 5000, waitMs: 1 });
    expect(gate.observe(1000, 0)).toBe('closed');
    expect(gate.observe(999, 0)).toBe('open');
    const wide = new SendGate({ highBytes: Number.POSITIVE_INFINITY, waitMs: 1 });
    expect(wide.observe(16 * 1024 * 1024 - 1, 0)).toBe('open');
    expect(wide.observe(16 * 1024 * 1024, 0)).toBe('closed');
  });

  it('whatever is observed, an empty buffer opens and a closed gate was at high before it was at low', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(150), fc.array(fc.nat(120), { maxLength: 60 }), (highBytes, lowBytes, levels) => {
        const gate = new SendGate({ highBytes, lowBytes, waitMs: 1e9 });
        const effectiveHigh = Math.max(1, highBytes);
        const effectiveLow = Math.min(lowBytes, effectiveHigh - 1);
        let closed = false;
        for (const [nowMs, level] of levels.entries()) {
          closed = closed ? level > effectiveLow : level >= effectiveHigh;
          expect(gate.observe(level, nowMs)).toBe(closed ? 'closed' : 'open');
        }
        expect(gate.observe(0, levels.length)).toBe('open');
      }),
      { numRuns: 200 },
    );
  });
});

describe('the deadline', () => {
  it('expires at the moment it was announced for when nothing drains', () => {
    const gate = new SendGate({ highBytes: 1000, waitMs: 1500 });
    gate.observe(1200, 100);
    expect(gate.deadlineMs()).toBe(1600);
    expect(gate.observe(1200, 1599)).toBe('closed');
    expect(gate.observe(1200, 1600)).toBe('expired');
    expect(gate.observe(1200, 9000)).toBe('expired');
  });

  it('is put off by a slow lane that drains at all', () => {
    const gate = new SendGate({ highBytes: 1000, waitMs: 1500 });
    gate.observe(1200, 0);
    for (let i = 1; i <= 60; i += 1) expect(gate.observe(1200 - i * 10, i * 1400)).toBe('closed');
    expect(gate.closedSinceMs).toBe(0);
    expect(gate.deadlineMs()).toBe(60 * 1400 + 1500);
    expect(gate.observe(600, 60 * 1400 + 1500)).toBe('expired');
    expect(gate.observe(599, 60 * 1400 + 1600)).toBe('closed');
    expect(gate.observe(500, 60 * 1400 + 1700)).toBe('open');
  });

  it('counts draining from the last look, also when other senders filled up in between', () => {
    const gate = new SendGate({ highBytes: 1000, waitMs: 100 });
    gate.observe(1000, 0);
    expect(gate.observe(2000, 50)).toBe('closed');
    expect(gate.observe(1900, 99)).toBe('closed');
    expect(gate.observe(1900, 198)).toBe('closed');
    expect(gate.observe(1900, 199)).toBe('expired');
  });

  it('and the gate start anew on a new lane, the count of stalls going on', () => {
    const gate = new SendGate({ highBytes: 1000, waitMs: 100 });
    gate.observe(1000, 0);
    expect(gate.observe(1000, 500)).toBe('expired');
    gate.reset();
    expect(gate.closed).toBe(false);
    expect(gate.observe(10, 501)).toBe('open');
    expect(gate.observe(1000, 600)).toBe('closed');
    expect(gate.deadlineMs()).toBe(700);
    expect(gate.stalls).toBe(2);
  });
});
