// One IPC directory as the main thread sees it: starts its host on a worker thread, writes the marker that tells applications where to
// connect, and makes a channel per peer. Frames never pass here. wire.md 6; main thread.
//
// Who it talks to: peers that opened a session for the directory while `stream.accept` is there; the owner, when the datasite is another
// party's; and otherwise whoever takes an Open without a receiver: upstream's clients as upstream has it, our own kind by saying who they
// are (`hl1_hello`), after which they get a channel of their own.
//
// Who closes what, in which order: the peers' channels → the host, which keeps what waits in files → the marker.

import { rm, writeFile } from 'node:fs/promises';
import type { MessagePort } from 'node:worker_threads';
import { createIpcCounters, isEmail, type Marker, readIpcCounters } from '../../native-free/index.js';
import type { FromIpcHost, IpcHostTask, ToIpcHost } from '../../workers/messages.js';
import type { Clock } from '../clock.js';
import type { Report } from '../events.js';
import type { IpcStatus } from '../status.js';
import type { ChannelControl } from './channel-control.js';
import type { Channels } from './channels.js';
import { IpcPlace } from './ipc-place.js';
import type { Supervisor } from './supervisor.js';

/** Peers of one directory, each a channel. */
const MAX_PEERS = 64;
/** After a first peer said who it is, others may still do so, ms; then the Open without a receiver is withdrawn. */
const GATHER_MS = 2000;
/** The peer of the channel that opens without a receiver. */
const ANYONE = '';

export interface IpcDirectoryEvents {
  event: Report;
  /** The host's thread is gone. */
  died(): void;
}

export interface IpcDirectoryOptions {
  self: string;
  /** Datasite-relative directory, and the marker's absolute path. */
  directory: string;
  markerPath: string;
  markerName: string;
  clock: Clock;
  task: Omit<IpcHostTask, 'port' | 'counters'>;
}

export class IpcDirectory {
  readonly #options: IpcDirectoryOptions;
  readonly #channels: Channels;
  readonly #events: IpcDirectoryEvents;
  readonly #counters = createIpcCounters();
  readonly #port: MessagePort;
  readonly #place: IpcPlace;
  readonly #ended: Promise<void>;
  /** Ids of the peers' channels. */
  readonly #legs = new Map<string, string>();
  #address = '';
  #problem: string | undefined;
  #consent = false;
  #markerWasThere = false;
  /** Cancels it. */
  #gathering: (() => void) | undefined;
  #settled: () => void = () => {};
  #stopping: Promise<void> | undefined;
  /** Resolves when it listens, or cannot. */
  readonly settled: Promise<void>;

  constructor(options: IpcDirectoryOptions, supervisor: Supervisor, channels: Channels, events: IpcDirectoryEvents) {
    this.#options = options;
    this.#channels = channels;
    this.#events = events;
    this.settled = new Promise((resolve) => {
      this.#settled = resolve;
    });
    this.#port = supervisor.startHost({ ...options.task, counters: this.#counters }, (error) => this.#died(error));
    this.#ended = new Promise((resolve) => this.#port.once('close', () => resolve()));
    this.#port.on('message', (message: FromIpcHost) => this.#fromHost(message));
    this.#place = new IpcPlace(this.#port, supervisor);
    channels.ipcPlaces.set(options.task.ipcHost, this.#place);
  }

  get consent(): boolean {
    return this.#consent;
  }

  /** What the file system says now. @param marker content, undefined without one */
  look(marker: string | undefined, consent: boolean): void {
    this.#markerWasThere ||= marker === '';
    if (this.#address !== '' && marker?.trim() !== this.#address) this.#writeMarker();
    if (consent === this.#consent) return;
    this.#consent = consent;
    this.#tell({ t: 'consent', given: consent });
    if (!consent) for (const leg of this.#channelsOf()) this.#channels.leaving(leg, `${this.#options.directory}: consent was withdrawn`);
  }

  /** The channel of a peer that opens a session; undefined when there are too many. */
  legOf(peer: string): ChannelControl | undefined {
    const id = this.#legs.get(peer);
    const there = id === undefined ? undefined : this.#channels.get(id);
    if (there !== undefined || this.#legs.size >= MAX_PEERS || this.#stopping !== undefined) return there;
    const { directory, task } = this.#options;
    const name = `ipc ${directory} ${peer === ANYONE ? '*' : peer}`;
    this.#legs.set(peer, name);
    return this.#channels.add(name, this.#marker(peer), { kind: 'ipc', host: task.ipcHost }, '');
  }

  /** A peer of our own kind took the Open without a receiver and says who it is. */
  hello(email: string): void {
    if (!isEmail(email) || email === this.#options.self || this.#legs.has(email)) return;
    this.#events.event('ipc peer', { directory: this.#options.directory, peer: email });
    this.legOf(email);
    this.#gathering ??= this.#options.clock.after(GATHER_MS, () => {
      const id = this.#legs.get(ANYONE);
      const anyone = id === undefined ? undefined : this.#channels.get(id);
      // One of upstream's may have taken it too: then it carries.
      if (id === undefined || anyone === undefined || anyone.hasSessions) return;
      this.#legs.delete(ANYONE);
      void this.#channels.remove(id, anyone, 'its peers have channels of their own');
    });
  }

  relay(up: boolean): void {
    this.#tell({ t: 'relay', up });
  }

  /** An upstream peer fell back to files. */
  replay(): void {
    this.#tell({ t: 'replay' });
  }

  owns(channel: ChannelControl): boolean {
    return channel.shape.kind === 'ipc' && channel.shape.host === this.#options.task.ipcHost;
  }

  status(): IpcStatus {
    return {
      directory: this.#options.directory,
      address: this.#address,
      listening: this.#address !== '',
      consent: this.#consent,
      peers: [...this.#legs.keys()].filter((peer) => peer !== ANYONE),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
      counters: readIpcCounters(this.#counters),
    };
  }

  /** @returns when the endpoint is gone and what waited is in files */
  stop(reason: string): Promise<void> {
    this.#stopping ??= this.#stop(reason);
    return this.#stopping;
  }

  async #stop(reason: string): Promise<void> {
    this.#gathering?.();
    await Promise.all(
      [...this.#legs.values()].map(async (id) => {
        const channel = this.#channels.get(id);
        if (channel !== undefined) await this.#channels.remove(id, channel, reason);
      }),
    );
    this.#tell({ t: 'stop' });
    await this.#ended;
    this.#channels.ipcPlaces.delete(this.#options.task.ipcHost);
    const { markerPath } = this.#options;
    if (this.#address === '') return;
    // One that an application made asks for a socket again next time; ours told of one that is gone.
    await (this.#markerWasThere ? writeFile(markerPath, '') : rm(markerPath, { force: true })).catch(() => {});
  }

  #channelsOf(): ChannelControl[] {
    return [...this.#channels.all()].filter((channel) => this.owns(channel));
  }

  #fromHost(message: FromIpcHost): void {
    const { directory } = this.#options;
    switch (message.t) {
      case 'listening':
        this.#address = message.address;
        this.#problem = undefined;
        this.#events.event('ipc listening', { directory, address: message.address });
        this.#writeMarker();
        break;
      case 'listen-failed':
        this.#problem = message.message;
        this.#events.event('ipc listen failed', { directory, code: message.code, reason: message.message }, 'warn');
        this.#settled();
        break;
      case 'want-peer': {
        const owner = directory.slice(0, directory.indexOf('/'));
        this.legOf(owner === this.#options.self ? ANYONE : owner);
        break;
      }
      case 'application':
        this.#events.event(message.here ? 'ipc application connected' : 'ipc application left', { directory });
        break;
      case 'refused':
        this.#events.event('ipc frame refused', { directory, reason: message.reason }, 'warn');
        break;
      case 'fallback':
        this.#events.event(
          `ipc files ${message.event}`,
          { directory, reason: message.reason },
          message.event === 'ended' ? 'info' : 'warn',
        );
        break;
    }
  }

  #writeMarker(): void {
    // In one write and in place: a temporary file beside it would be synchronised, the marker's own name never is.
    writeFile(this.#options.markerPath, this.#address).then(
      () => this.#settled(),
      (error: Error) => {
        this.#problem = `the marker cannot be written: ${error.message}`;
        this.#events.event('ipc marker failed', { directory: this.#options.directory, reason: error.message }, 'warn');
        this.#settled();
      },
    );
  }

  #died(error: Error): void {
    if (this.#stopping !== undefined) return;
    this.#events.event('ipc host died', { directory: this.#options.directory, reason: error.message }, 'error');
    this.#settled();
    this.#events.died();
  }

  #tell(message: ToIpcHost): void {
    this.#port.postMessage(message);
  }

  /** What a channel is named by, unlike any other. No marker file of this name exists; sessions are opened on the paths that frames name. */
  #marker(peer: string): Marker {
    const { self, directory } = this.#options;
    const owner = directory.slice(0, directory.indexOf('/'));
    return {
      relPath: `${directory}/${peer === ANYONE ? 'anyone' : peer}`,
      owner,
      from: self,
      to: peer,
      self,
      peer,
      port: 0,
      firstPid: 0,
      secondPid: 1,
      localPid: 0,
      remotePid: 1,
    };
  }
}
