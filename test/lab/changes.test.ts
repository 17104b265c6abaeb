// The network changes while a stream is under way: an address that becomes another, UDP that stops and comes back. Not a byte is lost, and the
// best lane that there is carries again.
import { describe, expect, it } from 'vitest';
import { absent } from '../support/absent.js';
import { until } from '../support/sandbox.js';
import { Internet, RELAY_LISTEN, RELAY_STUN, SERVER } from './internet.js';
import { networkUnavailable } from './network.js';
import { Scene } from './scene.js';

const skip = absent('the network lab', networkUnavailable());
const timeout = 90_000;
/** Data channels that were opened so far, on both sides. */
const opened = (log: string): number => log.split('"webrtc open"').length - 1;
const env = { HOTLINK_DIRECT: 'off' };

describe.skipIf(skip).concurrent('a stream in the middle of which (needs root, iproute2 and nft)', () => {
  it('a party’s address becomes another one goes on over WebRTC', { timeout }, async () => {
    using net = new Internet();
    const [alice, bob] = [net.home('alice', 'port-restricted'), net.home('bob', 'port-restricted')];
    await using scene = await Scene.open({
      relay: { host: net.relay, listen: RELAY_LISTEN, args: RELAY_STUN },
      server: SERVER,
      alice: { host: alice.host, env },
      bob: { host: bob.host, env },
    });
    const flow = scene.flow();
    await scene.carriedBy('webrtc carries', ({ lane }) => lane === 'webrtc');
    await flow.goesOn();
    const before = opened(scene.log);

    alice.host.ip('address', 'del', '192.168.1.2/24', 'dev', 'eth0');
    alice.host.ip('address', 'add', '192.168.1.77/24', 'dev', 'eth0');
    alice.host.ip('route', 'add', 'default', 'via', '192.168.1.1');
    await until('the change is noticed', () => /"gone":"192\.168\.1\.2","came":"192\.168\.1\.77"/.test(scene.log), 10_000);
    await flow.goesOn();
    await until('data channels are made anew on both sides', () => opened(scene.log) >= before + 2, 30_000);
    await scene.carriedBy('webrtc carries again', ({ lane, webrtc }) => lane === 'webrtc' && webrtc === 'connected', 40_000);
    const { p2p } = scene.packets;
    await until('frames go peer to peer', () => scene.packets.p2p > p2p);
    expect(await flow.finish()).toEqual([]);
  });

  it('a party’s address becomes another one goes on over a direct connection', { timeout }, async () => {
    using net = new Internet();
    const [alice, bob] = [net.server('alice'), net.server('bob')];
    await using scene = await Scene.open({
      relay: { host: net.relay, listen: RELAY_LISTEN, args: RELAY_STUN },
      server: SERVER,
      alice: { host: alice },
      bob: { host: bob },
    });
    const flow = scene.flow();
    await scene.carriedBy('a direct connection carries', ({ lane }) => lane === 'direct');
    await flow.goesOn();

    const before = scene.log.length;
    alice.ip('address', 'del', '203.0.113.100/24', 'dev', 'eth0');
    alice.ip('address', 'add', '203.0.113.177/24', 'dev', 'eth0');
    await until(
      'a direct connection from the new address is open',
      () => /"remote":"(::ffff:)?203\.0\.113\.177:\d+".*"direct open"/.test(scene.log.slice(before)),
      30_000,
    );
    await scene.carriedBy('a direct connection carries again', ({ lane }) => lane === 'direct', 30_000);
    await flow.goesOn();
    expect(await flow.finish()).toEqual([]);
  });

  it('a party’s address becomes another one goes on over the relay where nothing else may carry', { timeout }, async () => {
    using net = new Internet();
    const [alice, bob] = [net.server('alice'), net.server('bob')];
    const relayOnly = { HOTLINK_LANES: 'relay' };
    await using scene = await Scene.open({
      relay: { host: net.relay, listen: RELAY_LISTEN },
      server: SERVER,
      alice: { host: alice, env: relayOnly },
      bob: { host: bob, env: relayOnly },
    });
    const flow = scene.flow();
    await scene.carriedBy('the relay carries', ({ lane }) => lane === 'relay');
    await flow.goesOn();

    alice.ip('address', 'del', '203.0.113.100/24', 'dev', 'eth0');
    alice.ip('address', 'add', '203.0.113.177/24', 'dev', 'eth0');
    await until('the change is noticed', () => scene.log.includes('network changed'), 10_000);
    await flow.goesOn(3_000_000);
    // Bob's connection to the relay stays: he hears nothing of the change, and what he sends has to reach the new one of alice.
    expect(scene.log).not.toMatch(/^bob.*relay down/m);
    expect(await flow.finish()).toEqual([]);
  });

  it('one of a party’s addresses is gone gets new data channels in both sessions, also where the peer has to offer', {
    timeout,
  }, async () => {
    using net = new Internet();
    const [alice, bob] = [net.server('alice'), net.server('bob')];
    alice.ip('address', 'add', '203.0.113.177/24', 'dev', 'eth0');
    await using scene = await Scene.open({
      relay: { host: net.relay, listen: RELAY_LISTEN, args: RELAY_STUN },
      server: SERVER,
      alice: { host: alice, env },
      bob: { host: bob, env },
    });
    const flow = scene.flow();
    await scene.carriedBy('webrtc carries', ({ lane }) => lane === 'webrtc');
    await until('both sessions have a data channel', () => opened(scene.log) === 4, 30_000);
    await flow.goesOn();

    alice.ip('address', 'del', '203.0.113.177/24', 'dev', 'eth0');
    await until('both sessions have a new one', () => opened(scene.log) === 8, 30_000);
    expect(scene.log).not.toContain('relay down');
    await flow.goesOn();
    expect(await flow.finish()).toEqual([]);
  });

  it('nothing but the relay’s port is let through for a while goes over the relay, and back to a direct connection', {
    timeout,
  }, async () => {
    using net = new Internet();
    const [alice, bob] = [net.server('alice'), net.server('bob')];
    await using scene = await Scene.open({
      relay: { host: net.relay, listen: RELAY_LISTEN, args: RELAY_STUN },
      server: SERVER,
      alice: { host: alice },
      bob: { host: bob },
    });
    const flow = scene.flow();
    await scene.carriedBy('a direct connection carries', ({ lane }) => lane === 'direct');
    await flow.goesOn();

    for (const rule of ['oifname "eth0" meta l4proto != tcp', 'oifname "eth0" tcp dport != 443']) net.network.block(alice, 'output', rule);
    await scene.carriedBy('the relay carries', ({ lane }) => lane === 'relay', 40_000);
    await flow.goesOn();
    net.network.unblock(alice);
    await scene.carriedBy('a direct connection carries again', ({ lane }) => lane === 'direct', 60_000);
    await flow.goesOn();
    expect(await flow.finish()).toEqual([]);
  });

  it('UDP is dropped for a while goes over a direct connection if there is one to be had', { timeout }, async () => {
    using net = new Internet();
    const [alice, bob] = [net.server('alice'), net.server('bob')];
    await using scene = await Scene.open({
      relay: { host: net.relay, listen: RELAY_LISTEN, args: RELAY_STUN },
      server: SERVER,
      alice: { host: alice },
      bob: { host: bob },
    });
    // At first nobody can dial: WebRTC has to carry.
    net.network.block(alice, 'output', 'oifname "eth0" tcp dport != 443');
    const flow = scene.flow();
    await scene.carriedBy('webrtc carries', ({ lane }) => lane === 'webrtc');
    await flow.goesOn();
    net.network.unblock(alice);
    net.network.block(alice, 'output', 'oifname "eth0" meta l4proto udp');
    await scene.carriedBy('a direct connection carries', ({ lane }) => lane === 'direct', 60_000);
    await flow.goesOn();
    expect(await flow.finish()).toEqual([]);
  });

  it('UDP is dropped for a while goes over the relay and back', { timeout }, async () => {
    using net = new Internet();
    const [alice, bob] = [net.home('alice', 'port-restricted'), net.home('bob', 'port-restricted')];
    await using scene = await Scene.open({
      relay: { host: net.relay, listen: RELAY_LISTEN, args: RELAY_STUN },
      server: SERVER,
      alice: { host: alice.host, env },
      bob: { host: bob.host, env },
    });
    const flow = scene.flow();
    await scene.carriedBy('webrtc carries', ({ lane }) => lane === 'webrtc');
    await flow.goesOn();

    net.network.block(alice.router, 'forward', 'meta l4proto udp');
    await scene.carriedBy('the relay carries', ({ lane }) => lane === 'relay', 40_000);
    await flow.goesOn();
    net.network.unblock(alice.router);
    await scene.carriedBy('webrtc carries again', ({ lane }) => lane === 'webrtc', 60_000);
    await flow.goesOn();
    expect(await flow.finish()).toEqual([]);
  });
});
