// Channels that the program asks for instead of a marker: forwards, streams of the program itself, and the ones that only carry pings. Each is
// granted at the relay first, and goes when its owner closes it. Main thread.

import type { Duplex } from 'node:stream';
import { HotlinkError } from '../../native-free/index.js';
import { type ConnectOptions, type ForwardChannel, type ForwardOptions, type ForwardPlan, grant, planForward } from '../forward.js';
import type { ResolvedOptions } from '../resolved-options.js';
import type { ChannelControl } from './channel-control.js';
import { type Channels, forwardId } from './channels.js';
import { type PingOptions, type PingResult, pingOver } from './ping.js';
import { pingId, pingPlan } from './ping-channel.js';
import { ProgramStream } from './program-stream.js';

export interface AdHocEvents {
  /** Whether channels may be added now: started, and not stopping. */
  running(): boolean;
  /** A channel was added: Opens that wait may find it. */
  added(): void;
}

export class AdHocChannels {
  readonly #options: ResolvedOptions;
  readonly #channels: Channels;
  readonly #events: AdHocEvents;

  constructor(options: ResolvedOptions, channels: Channels, events: AdHocEvents) {
    this.#options = options;
    this.#channels = channels;
    this.#events = events;
  }

  async forward(options: ForwardOptions): Promise<ForwardChannel> {
    const plan = planForward(this.#options.email, options);
    const id = forwardId(plan.marker);
    const channel = await this.#add(id, plan, options.signal);
    const close = (): Promise<void> => this.#remove(id, channel);
    try {
      if (plan.shape.kind !== 'dial') await channel.listening(options.signal);
    } catch (error) {
      await close();
      throw error;
    }
    options.signal?.addEventListener('abort', () => void close(), { once: true });
    const address = plan.shape.kind === 'dial' ? undefined : { host: plan.bind, port: channel.port };
    return { address, close, [Symbol.asyncDispose]: close };
  }

  async connect(options: ConnectOptions): Promise<Duplex> {
    // A place to listen is not used: the program is there already.
    const plan = planForward(this.#options.email, { ...options, listen: '127.0.0.1:0' });
    const id = forwardId(plan.marker);
    const channel = await this.#add(id, { ...plan, shape: { kind: 'program', silent: false } }, options.signal);
    const stream: ProgramStream = new ProgramStream({
      open: (out, incoming) =>
        channel.open(out, incoming, {
          written: () => stream.written(),
          // A data plane that stops closes its streams; that is no error of theirs.
          over: (error) => (this.#events.running() ? stream.over(error) : stream.destroy()),
        }),
      abandon: (reason) => channel.abandon(reason),
      close: () => this.#remove(id, channel),
    });
    options.signal?.addEventListener('abort', () => stream.destroy(), { once: true });
    return stream;
  }

  async ping(options: PingOptions): Promise<PingResult> {
    const { peer, name, signal } = options;
    const channel = this.#pingable(peer, name);
    if (channel === undefined && name !== undefined) throw new HotlinkError('ERR_HLNK_USAGE', `there is no channel "${name}" with ${peer}`);
    return pingOver(channel ?? (await this.#add(pingId(peer), pingPlan(this.#options.email, peer), signal)), options);
  }

  /** A channel with the peer: one that has a lane if any. */
  #pingable(peer: string, name: string | undefined): ChannelControl | undefined {
    const found = [...this.#channels.all()].filter((one) => one.marker.peer === peer && (name === undefined || one.status().name === name));
    return found.find((one) => one.status().lane !== undefined) ?? found[0];
  }

  /** Lets the peer in at the relay, then adds the channel. */
  async #add(id: string, plan: ForwardPlan, signal: AbortSignal | undefined): Promise<ChannelControl> {
    const { server, email, token } = this.#options;
    this.#refuse(id, plan);
    await grant(server, email, plan, token, signal);
    // It may have been stopped, or the same asked for, meanwhile.
    this.#refuse(id, plan);
    const channel = this.#channels.add(id, plan.marker, plan.shape, plan.bind);
    this.#events.added();
    return channel;
  }

  #refuse(id: string, { marker }: ForwardPlan): void {
    if (!this.#events.running()) throw new HotlinkError('ERR_HLNK_CLOSED', 'start() the data plane first');
    if (this.#channels.get(id) !== undefined)
      throw new HotlinkError('ERR_HLNK_USAGE', `a channel of this name with ${marker.peer} is open already`);
  }

  async #remove(id: string, channel: ChannelControl): Promise<void> {
    if (this.#channels.get(id) === channel) await this.#channels.remove(id, channel, 'closed');
  }
}
