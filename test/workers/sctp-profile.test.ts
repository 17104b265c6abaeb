// The SCTP values of a connection: small on one machine, a path's worth elsewhere, or what was asked for; and that a lane lives with each of them.
import { afterEach, describe, expect, it } from 'vitest';
import { sctpProfile } from '../../workers/lanes/sctp-profile.js';
import type { RtcSettings } from '../../workers/messages.js';
import { dial, Sandbox, transfer } from '../support/sandbox.js';

const settings: RtcSettings = {
  sctpWindowBytes: 'auto',
  sctpCongestion: 'standard',
  stripes: 'auto',
  batchScheduling: true,
  datagrams: true,
  bufferedHighBytes: 1_048_576,
  backpressureWaitMs: 1500,
};

describe('the profile of a connection', () => {
  it('is small on one machine and holds a long path elsewhere', () => {
    expect(sctpProfile(settings, true)).toEqual({
      sendBufferSize: 1_048_576,
      recvBufferSize: 1_048_576,
      maxChunksOnQueue: 10_240,
      congestionControlModule: 0,
    });
    const path = sctpProfile(settings, false);
    expect(path).toMatchObject({ sendBufferSize: 16_777_216, recvBufferSize: 16_777_216 });
    // Packets of 1280 bytes must fill the buffers before their number does.
    expect((path.maxChunksOnQueue ?? 0) * 1200).toBeGreaterThan(16_777_216);
  });

  it('is what was asked for, wherever the ends are', () => {
    const asked: RtcSettings = { ...settings, sctpWindowBytes: 4_194_304, sctpCongestion: 'hstcp' };
    for (const loopback of [true, false]) {
      expect(sctpProfile(asked, loopback)).toMatchObject({ sendBufferSize: 4_194_304, congestionControlModule: 1 });
    }
  });
});

describe('a stream', () => {
  let sandbox: Sandbox;
  afterEach(async () => sandbox.close());

  it('arrives whole with large buffers and the other congestion control', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair({ lanes: ['webrtc'], sctpWindowBytes: 16_777_216, sctpCongestion: 'hstcp' });
    const [from, to] = [await dial(alice.port), await dial(bob.port)];
    const moved = await transfer(from, to, 20_000_000);
    expect(moved.received).toBe(moved.sent);
    from.destroy();
    to.destroy();
  });
});
