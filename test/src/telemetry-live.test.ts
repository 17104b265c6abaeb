// The telemetry of streams that really ran: upstream's fields with upstream's types and meanings, and the handshake timings. wire.md 8.
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { startRelay } from '../../src/relay/index.js';
import { telemetryOf } from '../../src/telemetry/index.js';
import type { RustClient } from '../doubles/rust-client.js';
import { type Scene, withRust } from '../support/interop.js';
import { dial, Sandbox, transfer, until } from '../support/sandbox.js';
import { sendCounted } from '../support/upstream-stream.js';

const NUMBERS = [
  ...['started_ms', 'updated_ms', 'tx_packets', 'tx_bytes', 'tx_p2p_packets', 'tx_ws_packets', 'tx_avg_send_ms', 'tx_max_send_ms'],
  ...['rx_packets', 'rx_bytes', 'rx_avg_write_ms', 'rx_max_write_ms', 'p2p_offers', 'p2p_answers_ok', 'p2p_answers_err'],
  ...['ws_fallbacks', 'strict_violations', 'webrtc_connected'],
] as const;

let close: () => Promise<void> = async () => {};
afterEach(async () => close());

describe('telemetry of two hotlinks', () => {
  it('has every field of upstream’s as a number, the older readers’ too, and the handshake timings', async () => {
    const sandbox = await Sandbox.open();
    close = () => sandbox.close();
    const [alice, bob] = await sandbox.pair({ lanes: ['webrtc', 'relay'], strict: true });
    const [a, b] = [await dial(alice.port), await dial(bob.port)];
    const steady = (): boolean => [alice, bob].some(({ link }) => link.status().timings.firstPayloadToSteadyStateMs !== undefined);
    // Until the rate is steady, which nobody can say beforehand; then so much that is known.
    let sent = 0;
    b.on('data', () => {});
    for (const block = Buffer.alloc(1_000_000, 'x'); !steady() && sent < 3_000_000_000; sent += block.length) {
      if (!a.write(block)) await once(a, 'drain');
    }
    expect(steady()).toBe(true);
    await until('it arrived', () => bob.link.status().channels[0]?.counters.rxBytes === sent);
    await transfer(a, b, 10_000_000);
    const total = sent + 10_000_000;
    const [sender, receiver] = [telemetryOf(alice.link.status()), telemetryOf(bob.link.status())];
    for (const key of NUMBERS) expect([key, typeof sender[key]]).toEqual([key, 'number']);
    expect(sender).toMatchObject({
      mode: 'hotlink_p2p_strict',
      bench_strict: true,
      tx_bytes: total,
      ws_fallbacks: 0,
      tx_ws_packets: 0,
    });
    expect(receiver).toMatchObject({ rx_bytes: total, strict_violations: 0 });
    expect(sender.tx_quic_packets).toBe(sender.tx_p2p_packets);
    expect(sender.tx_packets).toBe(sender.tx_p2p_packets + sender.tx_ws_packets + sender.tx_direct_packets);
    expect(sender.webrtc_connected).toBeGreaterThan(0);
    expect(receiver.p2p_offers).toBe(1);
    expect(receiver.offer_to_dc_open_ms).toBeGreaterThan(0);
    expect(receiver.open_to_first_payload_ms).toBeGreaterThanOrEqual(0);
    expect(receiver.live.sessions_in[0]).toMatchObject({ peer: 'alice@example.com', channel: '0_to_1', webrtc: 'connected' });
    expect(sender.live.sessions_out[0]).toMatchObject({ status: 'accepted', webrtc: 'connected' });
    expect(sender.live.sessions_out[0]?.sid).toHaveLength(8);
  });
});

describe('telemetry of a fallback', () => {
  let scene: Scene<RustClient>;

  it('counts the session that fell back once, and what the relay carried', async () => {
    scene = await withRust(
      await startRelay({ listen: '127.0.0.1:0' }),
      { webrtc: false, graceMs: 100 },
      { ours: { fallbackGraceMs: 100 } },
    );
    close = () => scene.close();
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    await sendCounted(ours, theirs, 300_000);
    await sendCounted(theirs, ours, 300_000);
    const telemetry = telemetryOf(scene.us.link.status());
    expect(telemetry).toMatchObject({ mode: 'hotlink_p2p', ws_fallbacks: 1, tx_p2p_packets: 0, tx_bytes: 300_000, rx_bytes: 300_000 });
    expect(telemetry.tx_ws_packets).toBe(telemetry.tx_packets);
    expect(scene.us.link.status().channels[0]?.sessions.map(({ client }) => client)).toEqual(['rust', 'rust']);
  });
});
