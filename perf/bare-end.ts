// One end of a bare data channel, a process of its own. The near end offers. A stream fills the channel up to the product's watermark and waits for it
// to drain; rounds send, wait for as many bytes, and send again.
import { type SctpSettings, setSctpSettings } from 'node-datachannel';
import { nowMs } from '../src/bench/clock.js';
import { percentiles } from '../src/bench/percentiles.js';
import type { BareRoundsResult, BareStreamResult } from './bare-pair.js';
import { type BareChannel, nodeDataChannel } from './contenders/bare-channel.js';
import type { EndMessage } from './end-process.js';
import { endArguments, onTold, say } from './end-talk.js';

export interface BareEndArguments {
  role: 'near' | 'far';
  address: string;
  mtu: number;
  sctp?: SctpSettings;
  task:
    | { kind: 'stream'; messageBytes: number; firstBytes?: number; totalBytes?: number; forMs?: number; bytesPerSecond?: number }
    | { kind: 'rounds'; messageBytes: number; rounds: number; warmUp: number };
}

/** The product's default watermarks, so that only what lies around the channel differs. */
const HIGH_BYTES = 1024 * 1024;
/** Largest message of rounds: several make a round. */
const PART_BYTES = 256 * 1024;

const { role, address, mtu, sctp, task } = endArguments<BareEndArguments>();
if (sctp !== undefined) setSctpSettings(sctp);
const beganMs = performance.now();
const connection = nodeDataChannel({ address, mtu, lowBytes: HIGH_BYTES / 2, say, met: (channel) => answer(channel) });
const waiting: EndMessage[] = [];
let startedMs = 0;
onTold((message) => {
  if (message.kind === 'started') startedMs = message['atMs'] as number;
  else waiting.push(message);
  for (const one of waiting.splice(0)) connection.handle(one);
});

if (role === 'near') {
  const channel = await connection.begin();
  if (task.kind === 'stream') fill(channel, task);
  else ask(channel, task);
}

function fill(
  channel: BareChannel,
  {
    messageBytes,
    firstBytes = 0,
    totalBytes,
    forMs,
    bytesPerSecond,
  }: { messageBytes: number; firstBytes?: number; totalBytes?: number; forMs?: number; bytesPerSecond?: number },
): void {
  const message = Buffer.alloc(messageBytes, 0x5a);
  const endMs = forMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + forMs;
  let leftBytes = firstBytes + (totalBytes ?? Number.POSITIVE_INFINITY);
  let sentBytes = 0;
  const fillingMs = performance.now();
  const dueBytes = (): number =>
    bytesPerSecond === undefined ? Number.POSITIVE_INFINITY : ((performance.now() - fillingMs) * bytesPerSecond) / 1000;
  const more = (): void => {
    while (leftBytes > 0 && performance.now() < endMs && channel.bufferedBytes() < HIGH_BYTES && sentBytes <= dueBytes()) {
      const bytes = Math.min(leftBytes, messageBytes);
      channel.send(bytes < messageBytes ? message.subarray(0, bytes) : message);
      leftBytes -= bytes;
      sentBytes += bytes;
    }
    if (leftBytes === 0) clearInterval(pace);
  };
  // At its pace a message is due at each turn.
  const pace = bytesPerSecond === undefined ? undefined : setInterval(more, Math.max(1, (messageBytes / bytesPerSecond) * 1000));
  channel.onLow(more);
  say({ kind: 'started', atMs: nowMs() });
  more();
}

function ask(channel: BareChannel, { messageBytes, rounds, warmUp }: { messageBytes: number; rounds: number; warmUp: number }): void {
  const openMs = performance.now() - beganMs;
  const message = Buffer.alloc(messageBytes, 0xa5);
  const samples: number[] = [];
  let askedMs = 0;
  let firstMs = 0;
  const send = (): void => {
    askedMs = performance.now();
    if (samples.length === warmUp) firstMs = askedMs;
    sendParts(channel, message);
  };
  let gotBytes = 0;
  channel.onMessage((part) => {
    gotBytes += part.length;
    if (gotBytes < messageBytes) return;
    gotBytes = 0;
    samples.push((performance.now() - askedMs) * 1000);
    if (samples.length < warmUp + rounds) return send();
    const seconds = (performance.now() - firstMs) / 1000;
    const result: BareRoundsResult = { ...percentiles(samples.slice(warmUp)), seconds, openMs };
    say({ kind: 'result', result });
  });
  send();
}

function answer(channel: BareChannel): void {
  let bytes = 0;
  let uncounted: number | undefined;
  const reply = task.kind === 'rounds' ? Buffer.alloc(task.messageBytes, 0x5a) : undefined;
  channel.onMessage((part) => {
    bytes += part.length;
    if (task.kind === 'rounds') {
      if (bytes < task.messageBytes) return;
      bytes = 0;
      sendParts(channel, reply as Buffer);
      return;
    }
    const { firstBytes = 0, totalBytes } = task;
    // From the message on with which those are complete.
    if (uncounted === undefined && firstBytes > 0 && bytes >= firstBytes) {
      uncounted = bytes;
      startedMs = nowMs();
    } else if (totalBytes !== undefined && bytes === firstBytes + totalBytes) done(bytes - (uncounted ?? 0));
  });
  if (task.kind === 'stream' && task.forMs !== undefined) setTimeout(() => done(bytes), task.forMs);
}

function sendParts(channel: BareChannel, message: Buffer): void {
  for (let at = 0; at < message.length; at += PART_BYTES) channel.send(message.subarray(at, at + PART_BYTES));
}

function done(bytes: number): void {
  const result: BareStreamResult = { bytes, seconds: (nowMs() - startedMs) / 1000 };
  say({ kind: 'result', result });
}
