// The rows of the fault matrix: what happens in mid-burst, and how it must end.
import { execFileSync } from 'node:child_process';
import type { Socket } from 'node:net';
import { type Flow, pause } from './fault-flow.js';
import { type Scene, WITH_CLOSER } from './fault-scene.js';
import { ALICE, BOB, until } from './sandbox.js';

const ALL_LANES = { HOTLINK_LANES: 'direct,webrtc,relay' };
const WEBRTC_ONLY = { HOTLINK_LANES: 'webrtc' };
const DIRECT_ONLY = { HOTLINK_LANES: 'direct' };
const RELAY_ONLY = { HOTLINK_LANES: 'relay' };
/** Memory is compared, so it must not hang on the number of cores. */
const TWO_THREADS = { HOTLINK_THREADS: '2' };
/** Times that the peer connections are closed, at both ends in turns. */
const CLOSINGS = 6;
/** Peer connections of one lane, where there is to be more than one. */
const STRIPES = 3;
/** What the other direction still carries after the end of the first: more than every buffer on the way together. */
const AFTER_END_BYTES = 64 * 1_048_576;
/** Much longer than a busy machine holds a stream up by itself. */
export const RELAY_AWAY_MS = 5000;
/** Longer than the silence after which an idle peer is asked whether it is there. */
const IDLE_MS = 4000;

export interface Row {
  /** Environment of the daemons. */
  settings?: Record<string, string>;
  spoil?: boolean;
  expect: 'exact' | 'reset';
  before?(scene: Scene): Promise<void> | void;
  fault(scene: Scene, flows: [Flow, Flow], sockets: [Socket, Socket]): Promise<void> | void;
}

/** Drops or passes every datagram of this network namespace. */
function udp(state: 'drop' | 'pass'): void {
  if (state === 'drop') {
    execFileSync('nft', ['add', 'table', 'inet', 'fault']);
    execFileSync('nft', ['add', 'chain', 'inet', 'fault', 'in', '{ type filter hook input priority 0 ; }']);
    execFileSync('nft', ['add', 'rule', 'inet', 'fault', 'in', 'meta', 'l4proto', 'udp', 'drop']);
  } else execFileSync('nft', ['delete', 'table', 'inet', 'fault']);
}

/** Drops, or resets, every TCP connection of this network namespace but those of the relay and of the applications; then lets all pass. */
function otherTcp(scene: Scene, state: 'drop' | 'reject with tcp reset' | 'pass'): void {
  if (state === 'pass') {
    execFileSync('nft', ['delete', 'table', 'inet', 'fault']);
    return;
  }
  const known = `{ ${[scene.relayPort, ...Object.values(scene.ports)].join(', ')} }`;
  execFileSync('nft', ['add', 'table', 'inet', 'fault']);
  execFileSync('nft', ['add', 'chain', 'inet', 'fault', 'in', '{ type filter hook input priority 0 ; }']);
  // A reset that answers a packet passes here too.
  const rule = `tcp sport != ${known} tcp dport != ${known} tcp flags & rst != rst ${state}`;
  execFileSync('nft', ['add', 'rule', 'inet', 'fault', 'in', ...rule.split(' ')]);
}

const directCut =
  (how: 'drop' | 'reject with tcp reset'): Row['fault'] =>
  async (scene) => {
    await until('the direct lane carries', () => (scene.telemetry(ALICE)['tx_direct_packets'] ?? 0) > 20);
    otherTcp(scene, how);
    await pause(5000);
    otherTcp(scene, 'pass');
    const before = scene.telemetry(ALICE)['tx_direct_packets'] ?? 0;
    await until('the direct lane carries again', () => (scene.telemetry(ALICE)['tx_direct_packets'] ?? 0) > before + 20, 60_000);
  };

/** One application stops reading for a minute while the other keeps pushing; the other direction goes on. */
const stall: Row['fault'] = async (scene, flows, [, b]) => {
  // What a stream may use is in use from its first seconds on; what counts is that it stays there.
  b.pause();
  await pause(3000);
  const before = [scene.rssBytes(ALICE), scene.rssBytes(BOB)];
  const held = flows[0].receivedBytes;
  for (let second = 0; second < 57; second += 1) {
    await pause(1000);
    const now = [scene.rssBytes(ALICE), scene.rssBytes(BOB)];
    scene.residentBytes = Math.max(scene.residentBytes, ...now);
    scene.growthBytes = Math.max(scene.growthBytes, ...now.map((rss, index) => rss - (before[index] as number)));
  }
  if (flows[0].receivedBytes !== held) throw new Error('the stalled application was given bytes');
  b.resume();
  await pause(1000);
};

/** Every live peer connection is closed under its daemon, again and again, at either end in turns. */
const closings: Row['fault'] = async (scene, flows) => {
  const live = async (): Promise<boolean> => {
    const both = await Promise.all([ALICE, BOB].map((email) => scene.livePeerConnections(email)));
    return both.every((count) => count > 0);
  };
  for (let round = 0; round < CLOSINGS; round += 1) {
    while (!(await live())) await pause(20);
    const before = flows.map((flow) => flow.receivedBytes);
    scene.closed.push(await scene.closePeerConnections(round % 2 === 0 ? ALICE : BOB));
    await until('bytes flow again', () => flows.every((flow, index) => flow.receivedBytes > (before[index] as number) + 8_000_000));
  }
};

/** One of the connections that make the lane is closed, the first of them too, at either end in turns; the others carry on. */
const memberClosings: Row['fault'] = async (scene, flows) => {
  for (let round = 0; round < CLOSINGS; round += 1) {
    const email = round % 2 === 0 ? ALICE : BOB;
    for (let count = 0; count < STRIPES; count = await scene.livePeerConnections(email)) await pause(50);
    const before = flows.map((flow) => flow.receivedBytes);
    scene.closed.push(await scene.closeOnePeerConnection(email));
    await until('bytes flow on', () => flows.every((flow, index) => flow.receivedBytes > (before[index] as number) + 8_000_000));
  }
};

/** One application ends its half; the other goes on for long, and sees the end meanwhile. */
const halfClose =
  (first: 0 | 1): Row['fault'] =>
  async (scene, flows) => {
    const [ending, other] = [flows[first], flows[1 - first] as Flow];
    ending.stopped = true;
    await until('the end is seen', () => ending.endedMs !== undefined);
    const before = other.receivedBytes;
    await until(
      'the other direction goes on',
      () => other.receivedBytes - before >= AFTER_END_BYTES || other.endedMs !== undefined,
      60_000,
    );
    if (other.endedMs !== undefined) throw new Error('the other direction ended with the first');
    scene.afterEndBytes = other.receivedBytes - before;
  };

/** Nothing is said on the stream when the peer is killed. */
const killedWhileIdle: Row['fault'] = async (scene, flows, [, b]) => {
  for (const flow of flows) flow.idle = true;
  await until('what was sent has arrived', () => flows.every((flow) => flow.receivedBytes === flow.sentBytes));
  await pause(IDLE_MS);
  // The kernel ends an idle connection of a killed process with a plain end; its application leaves then.
  b.once('end', () => b.destroy());
  scene.faultAtMs = performance.now();
  await scene.kill(BOB, 'SIGKILL');
};

export const ROWS: Record<string, Row> = {
  'webrtc cut (udp dropped 5 s)': {
    expect: 'exact',
    async fault() {
      udp('drop');
      await pause(5000);
      udp('pass');
      await pause(1500);
    },
  },
  'direct cut (its tcp dropped 5 s)': { settings: ALL_LANES, expect: 'exact', fault: directCut('drop') },
  'direct cut (its tcp reset for 5 s)': { settings: ALL_LANES, expect: 'exact', fault: directCut('reject with tcp reset') },
  'relay killed and restarted, webrtc carrying': {
    // However long WebRTC takes on a busy machine, it is what carries.
    settings: { SYFTBOX_HOTLINK_WS_FALLBACK_GRACE_MS: '30000' },
    expect: 'exact',
    async fault(scene) {
      await scene.kill('relay', 'SIGKILL');
      await pause(RELAY_AWAY_MS);
      await scene.startRelay();
      await pause(3000);
    },
  },
  'relay killed and restarted, relay carrying': {
    settings: RELAY_ONLY,
    expect: 'exact',
    async fault(scene) {
      await scene.kill('relay', 'SIGKILL');
      await pause(1000);
      await scene.startRelay();
      await pause(4000);
    },
  },
  'webrtc and relay both gone for 5 s': {
    expect: 'exact',
    async fault(scene) {
      udp('drop');
      await scene.kill('relay', 'SIGKILL');
      await pause(5000);
      udp('pass');
      await scene.startRelay();
      await pause(5000);
    },
  },
  'webrtc gone for 20 s, relay for 15 s of it': {
    expect: 'exact',
    async fault(scene) {
      await scene.kill('relay', 'SIGKILL');
      udp('drop');
      await pause(15_000);
      await scene.startRelay();
      await pause(5000);
      udp('pass');
    },
  },
  'relay upgraded to webrtc': {
    expect: 'exact',
    before: () => udp('drop'),
    async fault(scene) {
      const started = performance.now();
      udp('pass');
      await until('bytes go over WebRTC', () => (scene.telemetry(ALICE)['tx_p2p_packets'] ?? 0) > 20, 60_000);
      await pause(Math.max(500, 2000 - (performance.now() - started)));
    },
  },
  'messages lost, duplicated and reordered by the relay': {
    settings: RELAY_ONLY,
    spoil: true,
    expect: 'exact',
    fault: () => pause(4000),
  },
  'peer connections closed again and again': { settings: WITH_CLOSER, expect: 'exact', fault: closings },
  'one of three peer connections closed again and again': {
    settings: { ...WITH_CLOSER, ...WEBRTC_ONLY, HOTLINK_STRIPES: String(STRIPES) },
    expect: 'exact',
    fault: memberClosings,
  },
  'half-close, the opener first, direct': { settings: DIRECT_ONLY, expect: 'exact', fault: halfClose(0) },
  'half-close, the opener first, webrtc': { expect: 'exact', fault: halfClose(0) },
  'half-close, the opener first, relay': { settings: RELAY_ONLY, expect: 'exact', fault: halfClose(0) },
  'half-close, the other side first, direct': { settings: DIRECT_ONLY, expect: 'exact', fault: halfClose(1) },
  'half-close, the other side first, webrtc': { expect: 'exact', fault: halfClose(1) },
  'half-close, the other side first, relay': { settings: RELAY_ONLY, expect: 'exact', fault: halfClose(1) },
  'peer killed, webrtc': { expect: 'reset', fault: (scene) => scene.kill(BOB, 'SIGKILL') },
  'peer killed, direct': { settings: DIRECT_ONLY, expect: 'reset', fault: (scene) => scene.kill(BOB, 'SIGKILL') },
  'peer killed, webrtc and nothing else': { settings: WEBRTC_ONLY, expect: 'reset', fault: (scene) => scene.kill(BOB, 'SIGKILL') },
  'peer killed, relay': { settings: RELAY_ONLY, expect: 'reset', fault: (scene) => scene.kill(BOB, 'SIGKILL') },
  'idle peer killed, direct': { settings: DIRECT_ONLY, expect: 'reset', fault: killedWhileIdle },
  'idle peer killed, webrtc': { expect: 'reset', fault: killedWhileIdle },
  'idle peer killed, relay': { settings: RELAY_ONLY, expect: 'reset', fault: killedWhileIdle },
  'peer stopped': {
    expect: 'reset',
    fault: (scene) => scene.kill(BOB, 'SIGTERM'),
  },
  'receiver stalled 60 s, webrtc': { settings: TWO_THREADS, expect: 'exact', fault: stall },
  'receiver stalled 60 s, direct': { settings: { ...DIRECT_ONLY, ...TWO_THREADS }, expect: 'exact', fault: stall },
  'receiver stalled 60 s, relay': { settings: { ...RELAY_ONLY, ...TWO_THREADS }, expect: 'exact', fault: stall },
  'senders silent 60 s': {
    expect: 'exact',
    async fault(_scene, flows) {
      // Longer than the time after which a silent peer is given up: an idle stream is not a dead peer.
      for (const flow of flows) flow.idle = true;
      await pause(60_000);
      for (const flow of flows) flow.idle = false;
      await pause(1000);
    },
  },
  'application killed': {
    expect: 'reset',
    fault(_scene, _flows, [, b]) {
      b.resetAndDestroy();
    },
  },
};
