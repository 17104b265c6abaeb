// A profile of a running data plane: one per thread, by role, whose samples show what the thread did.
import { afterEach, describe, expect, it } from 'vitest';
import { dial, Sandbox, transfer } from '../support/sandbox.js';

let sandbox: Sandbox;
afterEach(async () => sandbox.close());

interface CpuProfile {
  nodes: { callFrame: { functionName: string; url: string } }[];
  samples: number[];
}

describe('a profile of a data plane', () => {
  it('names main, the relay worker and the channel worker, and shows the byte path on the channel worker alone', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair();
    const [from, to] = [await dial(alice.port), await dial(bob.port)];
    const abort = new AbortController();
    // The profile lasts as long as the transfer does.
    const profiles = alice.link.profile({ milliseconds: 60_000, signal: abort.signal });
    const moved = await transfer(from, to, 64 * 2 ** 20);
    abort.abort();
    expect(moved.received).toBe(moved.sent);
    const taken = await profiles;
    expect(taken.map(({ role }) => role)).toEqual(['main', 'relay', 'channel-1']);
    if (process.platform === 'linux') expect(new Set([process.pid, ...taken.map(({ tid }) => tid)]).size).toBe(3);
    const names = taken.map(({ profile }) => (JSON.parse(profile) as CpuProfile).nodes.map(({ callFrame }) => callFrame.url));
    expect(names[2]?.some((url) => url.endsWith('/workers/lanes/webrtc.js'))).toBe(true);
    expect(names[0]?.some((url) => url.endsWith('/workers/lanes/webrtc.js'))).toBe(false);
    from.destroy();
    to.destroy();
  });

  it('is refused while another one is being taken, and possible again afterwards', async () => {
    sandbox = await Sandbox.open();
    const [alice] = await sandbox.pair();
    const abort = new AbortController();
    const first = alice.link.profile({ milliseconds: 60_000, signal: abort.signal });
    await expect(alice.link.profile({ milliseconds: 1 })).rejects.toMatchObject({ code: 'ERR_HLNK_USAGE' });
    abort.abort();
    expect((await first).length).toBe(3);
    expect((await alice.link.profile({ milliseconds: 1 })).length).toBe(3);
  });

  it('is taken once of a thread that several channels share, and leaves out what was stopped meanwhile', async () => {
    sandbox = await Sandbox.open();
    const [alice] = await sandbox.pair();
    const second = await alice.link.forward({ peer: 'bob@example.com', name: 'second', listen: '127.0.0.1:0' });
    const abort = new AbortController();
    const profiles = alice.link.profile({ milliseconds: 60_000, signal: abort.signal });
    await second.close();
    abort.abort();
    expect((await profiles).map(({ role }) => role)).toEqual(['main', 'relay', 'channel-1']);
  });
});
