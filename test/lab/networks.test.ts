// Real networks of namespaces, real relay and daemons, real applications: on each the bytes arrive intact, and the status names the lane and the
// candidate kinds that this network allows, or says why there is no better one.
import { describe, expect, it } from 'vitest';
import type { Namespace } from '../../perf/namespace.js';
import type { SessionStatus } from '../../src/status.js';
import { absent } from '../support/absent.js';
import { until } from '../support/sandbox.js';
import { Coturn, coturnUnavailable } from './coturn.js';
import { Internet, Internet6, RELAY_LISTEN, RELAY_STUN, SERVER, TURN_ADDRESS } from './internet.js';
import { networkUnavailable } from './network.js';
import { type Environment, Scene, type SceneOptions } from './scene.js';

const skip = absent('the network lab', networkUnavailable());
const skipTurn = skip || absent('TURN in the network lab', coturnUnavailable());
const timeout = 120_000;

/** These stories are about WebRTC and the relay: a direct TLS connection would carry wherever TCP gets through. */
const NO_DIRECT: Environment = { HOTLINK_DIRECT: 'off' };
/** A NAT shows the peer's address as learned from STUN, or from the peer's own first packet if that was quicker. */
const THROUGH_NAT = /^(srflx|prflx)$/;

const stunRelay = (net: Internet) => ({ host: net.relay, listen: RELAY_LISTEN, args: RELAY_STUN });

function pair(alice: Namespace, bob: Namespace, env = NO_DIRECT): Pick<SceneOptions, 'alice' | 'bob'> {
  return { alice: { host: alice, env }, bob: { host: bob, env } };
}

/** Resolves when both parties say this of why they have no data channel. One that offers tries without TURN first. */
async function whyNoWebRtc(scene: Scene, why: RegExp): Promise<void> {
  const reasons = (): string[] =>
    scene.parties.flatMap((party) =>
      scene
        .sessions(party)
        .flatMap(({ webrtc_reason }) => webrtc_reason?.match(why)?.[0] ?? [])
        .slice(0, 1),
    );
  try {
    await until(`both parties say ${why}`, () => reasons().length === 2, 60_000);
  } catch (error) {
    throw new Error(`${(error as Error).message}; they say ${JSON.stringify(scene.parties.map((party) => scene.sessions(party)))}`);
  }
}

/** Both parties' streams run until the carrier is the expected one and carries. @returns what `hotlink status` says of each carrying session */
async function carry(scene: Scene, lane: 'webrtc' | 'relay' | 'direct'): Promise<(SessionStatus | undefined)[]> {
  const flow = scene.flow();
  await scene.carriedBy(`${lane} carries`, (carrier) => carrier.lane === lane, 40_000);
  await flow.goesOn();
  const statuses = await Promise.all(scene.parties.map((party) => scene.status(party)));
  expect(statuses.map((status) => status?.lane)).toEqual([lane, lane]);
  expect(await flow.finish()).toEqual([]);
  return statuses;
}

describe.skipIf(skip).concurrent('a stream over WebRTC (needs root, iproute2 and nft)', () => {
  it('goes from host to host on one LAN', { timeout }, async () => {
    using net = new Internet();
    const parties = pair(net.server('alice'), net.server('bob'));
    await using scene = await Scene.open({ relay: stunRelay(net), server: SERVER, ...parties });
    for (const status of await carry(scene, 'webrtc')) expect(status?.candidates).toEqual({ local: 'host', remote: 'host' });
  });

  it.each([
    ['leaves out the bridges of containers', {}, false],
    ['offers the bridges of containers when told to', { HOTLINK_ICE_FILTER: '0' }, true],
  ] as const)('%s', { timeout }, async (_name, setting, offered) => {
    using net = new Internet();
    const hosts = [net.server('alice'), net.server('bob')] as const;
    const bridge = 'br-0123456789ab'; // as docker compose names them; `docker0` the library leaves out by itself
    for (const host of hosts) {
      // Every machine with containers has this very address.
      host.ip('link', 'add', bridge, 'type', 'bridge');
      host.ip('address', 'add', '172.17.0.1/16', 'dev', bridge);
      host.ip('link', 'set', bridge, 'up');
      // Without anything plugged in it would not count as running.
      host.ip('link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1');
      host.ip('link', 'set', 'veth0', 'master', bridge, 'up');
      host.ip('link', 'set', 'veth1', 'up');
    }
    const parties = pair(...hosts, { ...NO_DIRECT, ...setting, SYFTBOX_HOTLINK_DEBUG: '1' });
    await using scene = await Scene.open({ relay: stunRelay(net), server: SERVER, ...parties });
    await carry(scene, 'webrtc');
    const candidates = [...scene.log.matchAll(/candidate:\S+ 1 UDP \d+ (\S+) \d+ typ host/g)].map(([, address]) => address);
    expect(candidates).toContain('203.0.113.100');
    expect(candidates.includes('172.17.0.1')).toBe(offered);
  });

  it('goes through one port-restricted NAT to a public address', { timeout }, async () => {
    using net = new Internet();
    const parties = pair(net.server('alice'), net.home('bob', 'port-restricted').host);
    await using scene = await Scene.open({ relay: stunRelay(net), server: SERVER, ...parties });
    const [publicSide, natSide] = await carry(scene, 'webrtc');
    expect(publicSide?.candidates).toEqual({ local: 'host', remote: expect.stringMatching(THROUGH_NAT) });
    expect(natSide?.candidates?.remote).toBe('host');
  });

  it('goes through two port-restricted NATs, where nobody can dial the other, punched with the help of the relay’s STUN', {
    timeout,
  }, async () => {
    using net = new Internet();
    const parties = pair(net.home('alice', 'port-restricted').host, net.home('bob', 'port-restricted').host, {});
    await using scene = await Scene.open({ relay: stunRelay(net), server: SERVER, ...parties });
    for (const status of await carry(scene, 'webrtc')) expect(status?.candidates?.remote).toMatch(THROUGH_NAT);
  });

  it('goes through a symmetric NAT to a public address, which needs no TURN', { timeout }, async () => {
    using net = new Internet();
    const parties = pair(net.server('alice'), net.home('bob', 'symmetric').host);
    await using scene = await Scene.open({ relay: stunRelay(net), server: SERVER, ...parties });
    const [publicSide] = await carry(scene, 'webrtc');
    expect(publicSide?.candidates).toEqual({ local: 'host', remote: expect.stringMatching(THROUGH_NAT) });
  });

  it('goes where there is no IPv4 at all', { timeout }, async () => {
    using net = new Internet6();
    await using scene = await Scene.open({ ...net.options, ...pair(net.alice, net.bob) });
    for (const status of await carry(scene, 'webrtc')) expect(status?.candidates).toEqual({ local: 'host', remote: 'host' });
  });

  it('goes over a path that carries 1280 bytes and says nothing about what it drops', { timeout }, async () => {
    using net = new Internet();
    const homes = [net.home('alice', 'port-restricted', 1280), net.home('bob', 'port-restricted', 1280)] as const;
    for (const { router } of homes) {
      // As behind PPPoE: TCP is told the size, everything else has to know it.
      router.run('nft', 'add chain ip nat clamp { type filter hook forward priority mangle; }');
      router.run('nft', 'add rule ip nat clamp tcp flags syn tcp option maxseg size set rt mtu');
      net.network.block(router, 'output', 'icmp type destination-unreachable');
      net.network.block(router, 'forward', 'ip frag-off & 0x3fff != 0');
    }
    const parties = pair(homes[0].host, homes[1].host);
    await using scene = await Scene.open({ relay: stunRelay(net), server: SERVER, ...parties });
    for (const status of await carry(scene, 'webrtc')) expect(status?.candidates?.remote).toMatch(THROUGH_NAT);
  });
});

describe.skipIf(skip).concurrent('a stream over a direct connection', () => {
  it('goes from host to host on one LAN, also where UDP is dropped', { timeout }, async () => {
    using net = new Internet();
    const hosts = [net.server('alice'), net.server('bob')] as const;
    for (const host of hosts) net.network.block(host, 'output', 'oifname "eth0" meta l4proto udp');
    await using scene = await Scene.open({ relay: stunRelay(net), server: SERVER, ...pair(...hosts, {}) });
    await carry(scene, 'direct');
  });

  it('goes from behind a NAT, even a symmetric one, to a public address', { timeout }, async () => {
    using net = new Internet();
    const parties = pair(net.server('alice'), net.home('bob', 'symmetric').host, {});
    await using scene = await Scene.open({ relay: stunRelay(net), server: SERVER, ...parties });
    await carry(scene, 'direct');
  });

  it('goes where there is no IPv4 at all', { timeout }, async () => {
    using net = new Internet6();
    await using scene = await Scene.open({ ...net.options, ...pair(net.alice, net.bob, {}) });
    await carry(scene, 'direct');
  });
});

describe.skipIf(skip).concurrent('a stream that no data channel can carry goes through the relay, and the status says why', () => {
  it('where UDP is dropped between two NATs, which nobody can dial through', { timeout }, async () => {
    using net = new Internet();
    const homes = [net.home('alice', 'port-restricted'), net.home('bob', 'port-restricted')] as const;
    for (const { router } of homes) net.network.block(router, 'forward', 'meta l4proto udp');
    const parties = pair(homes[0].host, homes[1].host, {});
    await using scene = await Scene.open({ relay: stunRelay(net), server: SERVER, ...parties });
    await carry(scene, 'relay');
    await whyNoWebRtc(scene, /no answer from stun:203\.0\.113\.1:3478: UDP is blocked on this side, or the server is down$/);
  });

  it('where only TCP to port 443 is let out', { timeout }, async () => {
    using net = new Internet();
    const homes = [net.home('alice', 'port-restricted'), net.home('bob', 'port-restricted')] as const;
    for (const { router } of homes) {
      net.network.block(router, 'forward', 'iifname "lan0" meta l4proto != tcp');
      net.network.block(router, 'forward', 'iifname "lan0" tcp dport != 443');
    }
    const parties = pair(homes[0].host, homes[1].host, {});
    await using scene = await Scene.open({ relay: stunRelay(net), server: SERVER, ...parties });
    await carry(scene, 'relay');
    await whyNoWebRtc(scene, /no answer from stun:203\.0\.113\.1:3478: UDP is blocked on this side, or the server is down$/);
  });

  it('where both NATs are symmetric and there is no TURN', { timeout }, async () => {
    using net = new Internet();
    const parties = pair(net.home('alice', 'symmetric').host, net.home('bob', 'symmetric').host);
    await using scene = await Scene.open({ relay: stunRelay(net), server: SERVER, ...parties });
    await carry(scene, 'relay');
    await whyNoWebRtc(scene, /a NAT is symmetric or a firewall blocks UDP; a TURN server would help$/);
  });
});

describe.skipIf(skipTurn).concurrent('a stream through TURN (needs coturn)', () => {
  it.each([
    ['two symmetric NATs', 'symmetric', 'symmetric'],
    ['a symmetric and a port-restricted NAT', 'symmetric', 'port-restricted'],
  ] as const)('goes through %s with a configured password', { timeout }, async (_name, aliceNat, bobNat) => {
    using net = new Internet();
    using turn = await Coturn.start(net.turn(), TURN_ADDRESS, ['--user=lab:secret']);
    const env = {
      ...NO_DIRECT,
      SYFTBOX_HOTLINK_ICE_SERVERS: turn.url,
      SYFTBOX_HOTLINK_TURN_USER: 'lab',
      SYFTBOX_HOTLINK_TURN_PASS: 'secret',
    };
    const parties = pair(net.home('alice', aliceNat).host, net.home('bob', bobNat).host, env);
    await using scene = await Scene.open({ relay: stunRelay(net), server: SERVER, ...parties });
    for (const status of await carry(scene, 'webrtc')) expect([status?.candidates?.local, status?.candidates?.remote]).toContain('relay');
  });

  it('goes through where both firewalls let out no UDP but to the TURN server itself, at the second attempt', { timeout }, async () => {
    using net = new Internet();
    using turn = await Coturn.start(net.turn(), TURN_ADDRESS, ['--user=lab:secret']);
    const env = {
      ...NO_DIRECT,
      SYFTBOX_HOTLINK_ICE_SERVERS: turn.url,
      SYFTBOX_HOTLINK_TURN_USER: 'lab',
      SYFTBOX_HOTLINK_TURN_PASS: 'secret',
    };
    const homes = [net.home('alice', 'symmetric'), net.home('bob', 'symmetric')] as const;
    for (const { router } of homes) net.network.block(router, 'forward', 'iifname "lan0" meta l4proto udp udp dport != 3478');
    const parties = pair(homes[0].host, homes[1].host, env);
    await using scene = await Scene.open({ relay: stunRelay(net), server: SERVER, ...parties });
    for (const status of await carry(scene, 'webrtc')) expect(status?.candidates?.local).toBe('relay');
  });

  it('goes through with credentials that the relay makes for each party, for a limited time', { timeout }, async () => {
    using net = new Internet();
    using turn = await Coturn.start(net.turn(), TURN_ADDRESS, ['--use-auth-secret', '--static-auth-secret=a shared secret']);
    const relayEnv = { SYFTBOX_HOTLINK_ICE_SERVERS: turn.url, HOTLINK_RELAY_TURN_SECRET: 'a shared secret', SYFTBOX_HOTLINK_DEBUG: '1' };
    const debug = { ...NO_DIRECT, SYFTBOX_HOTLINK_DEBUG: '1' };
    await using scene = await Scene.open({
      relay: { ...stunRelay(net), args: ['--turn-ttl', '600'], env: relayEnv },
      server: SERVER,
      ...pair(net.home('alice', 'symmetric').host, net.home('bob', 'symmetric').host, debug),
    });
    for (const status of await carry(scene, 'webrtc')) expect([status?.candidates?.local, status?.candidates?.remote]).toContain('relay');
    for (const { email } of scene.parties) expect(turn.log).toMatch(new RegExp(`username=<\\d+:${email}>`));
    expect(scene.log).not.toContain('a shared secret');
  });

  it('does not go through with a secret that the TURN server does not share, and the status says so', { timeout }, async () => {
    using net = new Internet();
    using turn = await Coturn.start(net.turn(), TURN_ADDRESS, ['--use-auth-secret', '--static-auth-secret=a shared secret']);
    const env = { SYFTBOX_HOTLINK_ICE_SERVERS: `${turn.url},stun:${TURN_ADDRESS}:3478`, HOTLINK_RELAY_TURN_SECRET: 'another one' };
    await using scene = await Scene.open({
      relay: { ...stunRelay(net), env },
      server: SERVER,
      ...pair(net.home('alice', 'symmetric').host, net.home('bob', 'symmetric').host),
    });
    await carry(scene, 'relay');
    await whyNoWebRtc(scene, /gave no address: check user and password or the shared secret$/);
  });
});
