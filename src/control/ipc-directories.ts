// The IPC directories of one identity: those in which an application asks for an endpoint (an empty marker) or consents to frames of
// peers (`stream.accept`), anywhere below the datasites. A directory that holds a TCP proxy's marker is the proxy's, unless an IPC marker
// is there too: neither ever serves the other's paths. wire.md 6.1, 6.2, 6.4; main thread.

import { join } from 'node:path';
import { checkPath, directoryOf, type HotlinkMessage, isTcpPath, MessageType, type OpenMessage, runName } from '../../native-free/index.js';
import type { Report } from '../events.js';
import type { ResolvedOptions } from '../resolved-options.js';
import type { IpcStatus } from '../status.js';
import { type ChannelControl, HELLO_SIGNAL } from './channel-control.js';
import type { Channels } from './channels.js';
import type { IpcFound } from './discovery.js';
import { ipcAddress, ipcMarkerName } from './ipc-address.js';
import { IpcDirectory } from './ipc-directory.js';
import type { Supervisor } from './supervisor.js';

/** Opens without a receiver that wait for consent, and for how long, ms: as long as an Open for a channel that is not known (session/tunables.ts). */
const MAX_HELD = 64;
const HELD_MS = 30_000;
/** A server's workers may handle the hello in front of the Accept and drop it (S1): it is said again after this long, ms. */
const REPEAT_MS = 300;

export interface IpcDirectoriesEvents {
  send(message: HotlinkMessage): void;
  event: Report;
  /** Opens that wait may find their channel now. */
  applied(): void;
}

export class IpcDirectories {
  readonly #options: ResolvedOptions;
  readonly #supervisor: Supervisor;
  readonly #channels: Channels;
  readonly #events: IpcDirectoriesEvents;
  readonly #run: string;
  readonly #byDirectory = new Map<string, IpcDirectory>();
  readonly #held = new Map<string, { open: OpenMessage; untilMs: number }>();
  /** Cancels each hello that is to be repeated. */
  readonly #repeats = new Set<() => void>();
  /** Directories on their way out: the address must be free for the next. */
  #removing: Promise<void> = Promise.resolve();
  #found: readonly IpcFound[] = [];
  #nextHost = 1;
  #relayUp = false;
  #ending = false;

  constructor(options: ResolvedOptions, supervisor: Supervisor, channels: Channels, events: IpcDirectoriesEvents) {
    this.#options = options;
    this.#run = runName(options.clock.unixMs());
    this.#supervisor = supervisor;
    this.#channels = channels;
    this.#events = events;
  }

  /** Resolves when every directory listens, or cannot. */
  async settled(): Promise<void> {
    await Promise.all([...this.#byDirectory.values()].map(({ settled }) => settled));
  }

  /** What the file system says now. */
  apply(found: readonly IpcFound[]): void {
    this.#found = found;
    if (this.#ending) return;
    const wanted = new Map(found.filter(isWanted).map((one) => [one.directory, one]));
    for (const [directory, one] of this.#byDirectory) if (!wanted.has(directory)) this.#remove(directory, one, 'its marker was removed');
    for (const [directory, { marker, consent }] of wanted) {
      const one = this.#byDirectory.get(directory) ?? this.#add(directory);
      one?.look(marker, consent);
    }
    this.#answerHeld();
    this.#events.applied();
  }

  /** @returns the index, in decimal, of the channel that a peer's Open of `path` is for */
  forPath(path: string, from: string): string | 'unknown-channel' {
    const directory = this.#byDirectory.get(directoryOf(path));
    const leg = directory?.consent ? directory.legOf(from) : undefined;
    return leg === undefined ? 'unknown-channel' : String(leg.index);
  }

  /**
   * An Open without a receiver from a peer of our own kind: it only asks who is there. The session carries nothing, since what goes to
   * several receivers cannot be acknowledged; the opener comes again to each that says who it is.
   */
  broadcast(open: OpenMessage): void {
    const { sid, pth, frm } = open;
    if (checkPath(pth) !== 'ok' || isTcpPath(pth) || frm === undefined || frm === this.#options.email) return;
    const now = this.#options.clock.nowMs();
    for (const [old, { untilMs }] of this.#held) if (untilMs <= now || this.#held.size >= MAX_HELD) this.#held.delete(old);
    this.#held.set(sid, { open, untilMs: now + HELD_MS });
    this.#answerHeld();
  }

  relay(up: boolean): void {
    this.#relayUp = up;
    for (const directory of this.#byDirectory.values()) directory.relay(up);
  }

  hello(channel: ChannelControl, email: string): void {
    for (const directory of this.#byDirectory.values()) if (directory.owns(channel)) directory.hello(email);
  }

  /** An upstream opener of this channel fell back to files. */
  replay(channel: ChannelControl): void {
    for (const directory of this.#byDirectory.values()) if (directory.owns(channel)) directory.replay();
  }

  status(): IpcStatus[] {
    return [...this.#byDirectory.values()].map((directory) => directory.status());
  }

  async stop(reason: string): Promise<void> {
    this.#ending = true;
    for (const cancel of this.#repeats) cancel();
    await Promise.all([...this.#byDirectory.values()].map((directory) => directory.stop(reason)));
    await this.#removing;
  }

  #add(directory: string): IpcDirectory | undefined {
    const { dataDir, email, ipc, limits } = this.#options;
    if (dataDir === undefined || checkPath(directory) !== 'ok') return undefined;
    const folder = join(dataDir, 'datasites', ...directory.split('/'));
    const markerName = ipcMarkerName(ipc.mode, process.platform);
    const markerPath = join(folder, markerName);
    const host = this.#nextHost;
    this.#nextHost += 1;
    const one: IpcDirectory = new IpcDirectory(
      {
        self: email,
        directory,
        markerPath,
        markerName,
        clock: this.#options.clock,
        task: {
          ipcHost: host,
          directory,
          folder,
          address: ipcAddress(ipc.mode, process.platform, markerPath, ipc.tcp),
          self: email,
          run: this.#run,
          memoryBytes: limits.windowBytes,
          fallbackMs: ipc.fileFallback ? ipc.fallbackMs : undefined,
          stableMs: ipc.stableMs,
        },
      },
      this.#supervisor,
      this.#channels,
      {
        event: this.#events.event,
        died: () => {
          this.#remove(directory, one, 'its thread died');
          void this.#removing.then(() => this.apply(this.#found));
        },
      },
    );
    this.#byDirectory.set(directory, one);
    one.relay(this.#relayUp);
    return one;
  }

  #remove(directory: string, one: IpcDirectory, reason: string): void {
    if (this.#byDirectory.get(directory) !== one) return;
    this.#byDirectory.delete(directory);
    const removal = one.stop(reason);
    this.#removing = this.#removing.then(() => removal);
  }

  #answerHeld(): void {
    for (const [sid, { open }] of this.#held) {
      if (!this.#byDirectory.get(directoryOf(open.pth))?.consent) continue;
      this.#held.delete(sid);
      const hello: HotlinkMessage = { typ: MessageType.Signal, sid, knd: HELLO_SIGNAL, tok: this.#options.email };
      this.#events.send({ typ: MessageType.Accept, sid });
      this.#events.send(hello);
      const again = this.#options.clock.after(REPEAT_MS, () => {
        this.#repeats.delete(again);
        this.#events.send(hello);
      });
      this.#repeats.add(again);
    }
  }
}

function isWanted({ marker, consent, proxy }: IpcFound): boolean {
  return marker !== undefined || (consent && !proxy);
}
