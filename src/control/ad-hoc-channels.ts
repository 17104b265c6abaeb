// Channels that the program asks for instead of a marker: forwards, streams of the program itself, and the ones that only carry pings. Each is
// granted at the relay first, where there is one, and goes when its owner closes it. Main thread.

import { HotlinkError } from '../../native-free/index.js';
import { abortError, onAbort } from '../abort.js';
import type { Report } from '../events.js';
import {
  type ForwardChannel,
  type ForwardOptions,
  type ForwardPlan,
  type HotlinkStream,
  planForward,
  type StreamOptions,
} from '../forward.js';
import type { ResolvedOptions } from '../resolved-options.js';
import { type NamesOf, refuseUnknown } from '../unknown-options.js';
import type { ChannelControl } from './channel-control.js';
import { type Channels, forwardId } from './channels.js';
import { Permissions } from './permissions.js';
import { type PingOptions, type PingResult, pingOver } from './ping.js';
import { pingId, pingPlan } from './ping-channel.js';
import { ProgramStream } from './program-stream.js';

const STREAM_NAMES: NamesOf<StreamOptions> = { peer: 1, name: 1, signal: 1, highWaterMark: 1 };
const PING_NAMES: NamesOf<PingOptions> = { peer: 1, name: 1, timeoutMs: 1, signal: 1 };

export interface AdHocEvents {
  /** Whether channels may be added now: started, and not stopping. */
  running(): boolean;
  /** A channel was added: Opens that wait may find it. */
  added(): void;
  report: Report;
}

export class AdHocChannels {
  readonly #options: ResolvedOptions;
  readonly #channels: Channels;
  readonly #events: AdHocEvents;
  /** Ends the watch of each forward's abort signal. */
  readonly #unwatch = new Set<() => void>();
  readonly #permissions: Permissions;

  constructor(options: ResolvedOptions, channels: Channels, events: AdHocEvents) {
    this.#options = options;
    this.#channels = channels;
    this.#events = events;
    this.#permissions = new Permissions(options, events.report);
  }

  /** The data plane stops: no abort signal is watched any more. */
  ended(): void {
    for (const unwatch of this.#unwatch) unwatch();
    this.#unwatch.clear();
    this.#permissions.end();
  }

  /** The relay came up, or went. */
  relay(up: boolean): void {
    this.#permissions.relay(up);
  }

  /** @returns when the channel is gone */
  #withdraw(id: string): Promise<void> {
    this.#permissions.forget(id);
    return this.#channels.withdraw(id);
  }

  async forward(options: ForwardOptions): Promise<ForwardChannel> {
    const plan = planForward(this.#options.email, options);
    const { signal } = options;
    const id = forwardId(plan.marker);
    const channel = await this.#add(id, plan, signal);
    let unwatch = (): void => {};
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => {
      this.#unwatch.delete(unwatch);
      unwatch();
      closing ??= this.#withdraw(id);
      return closing;
    };
    try {
      if (plan.shape.kind !== 'dial') await channel.listening(signal);
    } catch (error) {
      await close();
      throw error;
    }
    unwatch = onAbort(signal, () => void close());
    this.#unwatch.add(unwatch);
    const address = plan.shape.kind === 'dial' ? undefined : { host: plan.bind, port: channel.port };
    return { address, close, [Symbol.asyncDispose]: close };
  }

  async connect(options: StreamOptions): Promise<HotlinkStream> {
    refuseUnknown('connect', options, STREAM_NAMES, 'ERR_HLNK_USAGE');
    const { signal, highWaterMark } = options;
    if (highWaterMark !== undefined && !(Number.isSafeInteger(highWaterMark) && highWaterMark > 0))
      throw new HotlinkError('ERR_HLNK_USAGE', `highWaterMark: ${highWaterMark} is not a number of bytes above 0`);
    // A place to listen is not used: the program is there already.
    const plan = planForward(this.#options.email, { peer: options.peer, name: options.name, listen: '127.0.0.1:0' });
    const id = forwardId(plan.marker);
    const channel = await this.#add(id, { ...plan, shape: { kind: 'program', silent: false } }, signal);
    const stream: ProgramStream = new ProgramStream(
      {
        open: (out, incoming) =>
          channel.open(out, incoming, {
            written: () => stream.written(),
            // A data plane that stops closes its streams; that is no error of theirs.
            over: (error) => (this.#events.running() ? stream.over(error) : stream.destroy()),
            gone: () => void stream.destroy(),
          }),
        abandon: (reason) => channel.abandon(reason),
        close: () => this.#withdraw(id),
      },
      highWaterMark,
    );
    const unwatch = onAbort(signal, () => void stream.destroy());
    stream.once('close', unwatch);
    return stream;
  }

  async ping(options: PingOptions): Promise<PingResult> {
    refuseUnknown('ping', options, PING_NAMES, 'ERR_HLNK_USAGE');
    const { peer, name, signal } = options;
    const { email, clock } = this.#options;
    const channel = this.#pingable(peer, name);
    if (channel === undefined && name !== undefined) throw new HotlinkError('ERR_HLNK_USAGE', `there is no channel "${name}" with ${peer}`);
    return pingOver(channel ?? (await this.#add(pingId(peer), pingPlan(email, peer), signal, false)), options, clock);
  }

  /** A channel with the peer: one that has a lane if any. */
  #pingable(peer: string, name: string | undefined): ChannelControl | undefined {
    const found = [...this.#channels.all()].filter((one) => one.marker.peer === peer && (name === undefined || one.status().name === name));
    return found.find((one) => one.status().lane !== undefined) ?? found[0];
  }

  /** Lets the peer in at the relay, then adds the channel. @param held until it is withdrawn */
  async #add(id: string, plan: ForwardPlan, signal: AbortSignal | undefined, held = true): Promise<ChannelControl> {
    this.#refuse(id, plan, signal);
    await this.#permissions.give(plan, signal);
    // Pings of two callers, or ours and the peer's, share one.
    const there = held ? undefined : this.#channels.get(id);
    if (there !== undefined) return there;
    // It may have been stopped, given up, or the same asked for, meanwhile.
    this.#refuse(id, plan, signal);
    const channel = this.#channels[held ? 'hold' : 'add'](id, plan.marker, plan.shape, plan.bind);
    if (held) this.#permissions.keep(id, plan);
    this.#events.added();
    return channel;
  }

  #refuse(id: string, { marker }: ForwardPlan, signal: AbortSignal | undefined): void {
    if (signal?.aborted === true) throw abortError(signal);
    if (!this.#events.running()) throw new HotlinkError('ERR_HLNK_CLOSED', 'the data plane is not running: start() it, or it was stopped');
    if (this.#channels.get(id) !== undefined)
      throw new HotlinkError('ERR_HLNK_USAGE', `a channel of this name with ${marker.peer} is open already`);
  }
}
