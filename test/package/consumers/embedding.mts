// A TypeScript program that embeds hotlink, compiled against the packed package by test/package/types.test.ts: what may be written, and what may not.
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { createHotlink, type Hotlink, HotlinkError, type HotlinkErrorCode, type HotlinkOptions, type LaneKind, type Status } from 'hotlink';
import { decodeEnvelope, encodeFrame, FrameDecoder, type HotlinkMessage } from 'hotlink/native-free';
import { type ChannelPorts, createChannel, type Inbound } from 'hotlink/native-free/machines';
import { attachRelay, type EmbeddedRelay, mintAccessToken, type RelayServer, startRelay } from 'hotlink/relay';

/** Compiles when both are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<_Claim extends true>(): void;

const options: HotlinkOptions = { email: 'alice@example.com', server: 'https://relay.example.com', lanes: ['direct', 'webrtc'] };

// @ts-expect-error a data plane needs to know who it is
createHotlink({ server: 'https://relay.example.com' });
// @ts-expect-error there is no such lane
createHotlink({ ...options, lanes: ['quic'] });
// @ts-expect-error a misspelt option is a mistake, not a default
createHotlink({ ...options, dataDirectory: '/tmp' });
// @ts-expect-error an option that is undefined is left out
createHotlink({ ...options, dataDir: undefined });

export async function embed(signal: AbortSignal): Promise<void> {
  await using link = createHotlink({ ...options, signal });
  is<Same<typeof link, Hotlink>>();
  await link.start();

  const forwarded = await link.forward({ peer: 'bob@example.com', name: 'db', listen: '127.0.0.1:0', signal });
  const port: number | undefined = forwarded.address?.port;
  // @ts-expect-error it may dial, and then has no address
  forwarded.address.port;
  const duplex = await link.connect({ peer: 'bob@example.com', name: 'talk', signal });
  const stream: Duplex = duplex;
  stream.write(String(port));

  const status = link.status();
  is<Same<typeof status, Status>>();
  const lane = status.channels[0]?.lane;
  is<Same<typeof lane, LaneKind | undefined>>();

  link.on('fatal', (error) => is<Same<typeof error, HotlinkError>>());
  // @ts-expect-error there is no such event
  link.on('done', () => {});
}

/** Shapes without a name of their own are reached from those that have one. */
type Ping = Parameters<Hotlink['ping']>[0];
const log: NonNullable<HotlinkOptions['log']> = console;
export const open = (extra: Partial<HotlinkOptions>) => createHotlink({ ...options, log, ...extra });
export const threadsOf = (link: Hotlink) => link.status().threads;
export const lanesOf = (link: Hotlink) => link.status().channels.map(({ lanes, counters }) => ({ lanes, sent: counters.txBytes }));
export const ping = (link: Hotlink, more: Omit<Ping, 'peer'>) => link.ping({ ...more, peer: 'bob@example.com' });
export const profiles = (link: Hotlink) => link.profile({ milliseconds: 1 });
export const asWeb = async (link: Hotlink) => (await link.connect({ peer: 'bob@example.com', name: 'talk' })).toWeb();
export const decode = (bytes: Uint8Array) => decodeEnvelope(bytes);
export const channel = (ports: ChannelPorts) => createChannel({ path: 'p', salt: 'abcde', ports });
export const outputOf = (inbound: Inbound) => inbound.poll();

export async function narrow(link: Hotlink): Promise<LaneKind | undefined> {
  for await (const event of link.events()) {
    if (event.what === 'lane') return event.fields.lane;
    // @ts-expect-error other events have no lane
    event.fields.lane;
    if (event.what === 'session lost') is<Same<typeof event.fields.reason, string>>();
  }
  return undefined;
}

export function told(error: unknown): HotlinkErrorCode | undefined {
  if (!(error instanceof HotlinkError)) return undefined;
  // @ts-expect-error codes are a closed set
  if (error.code === 'ERR_HLNK_MISSPELT') return undefined;
  return error.code;
}

export async function serve(host: Server): Promise<void> {
  await using relay = await startRelay({ listen: '127.0.0.1:0' });
  is<Same<typeof relay, RelayServer>>();
  await using attached = await attachRelay(host, { path: '/hotlink' });
  is<Same<typeof attached, EmbeddedRelay>>();
  // @ts-expect-error a relay inside a host's server has no address of its own
  attached.url;
  // @ts-expect-error a relay listens somewhere
  await startRelay({});
  const token: string = mintAccessToken('alice@example.com', 'secret', Date.now());
  relay.url.concat(token);
}

export function speak(bytes: Uint8Array): HotlinkMessage | undefined {
  const decoder = new FrameDecoder();
  decoder.push(encodeFrame('alice@example.com/app/stream.tcp.request', 'tag', 1, bytes));
  for (const frame of decoder) bytes = frame.payload();
  const decoded = decodeEnvelope(bytes);
  if (!decoded.ok) return undefined;
  const { message } = decoded;
  switch (message.typ) {
    case 12:
      is<Same<typeof message.pay, Uint8Array>>();
      return message;
    case 9:
      // @ts-expect-error an Open has no payload
      message.pay;
      return message;
    default:
      return undefined;
  }
}
