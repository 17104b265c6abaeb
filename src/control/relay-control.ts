// The data plane's side of the relay, or of the signaling in its place: its state, what it advertises, and where each thing it says goes.
// Main thread.
//
// Who closes what, in which order: the refresh of TURN credentials → (the data plane's channels, which say their Closes) → the connection.

import { fingerprint, HotlinkError, type HotlinkErrorCode, type HotlinkMessage } from '../../native-free/index.js';
import { takenForAnother } from '../../native-free/taken-for.js';
import type { FromRelay, ToRelay } from '../../workers/messages.js';
import type { Report } from '../events.js';
import type { ResolvedOptions } from '../resolved-options.js';
import type { Status } from '../status.js';
import type { Channels } from './channels.js';
import { dispatchMessage } from './control-messages.js';
import { IceRefresh } from './ice-refresh.js';
import type { InboundControl } from './inbound-control.js';
import type { IpcDirectories } from './ipc-directories.js';
import type { ProfiledThread } from './profiling.js';
import { RelayLink, relayWorkerData } from './relay-link.js';
import type { RelayPort } from './relay-port.js';
import { SignalingLink } from './signaling-link.js';

export interface RelayControlEvents {
  report: Report;
  trace(what: string, fields: Record<string, unknown>): void;
  fatal(code: HotlinkErrorCode, message: string): void;
  /** The connection came up, or went. */
  connected(up: boolean): void;
  /** Something was said: the machines have new deadlines and output. */
  service(): void;
}

export interface RelayControlParts {
  options: ResolvedOptions;
  channels: Channels;
  ipc: IpcDirectories;
  inbound: InboundControl;
  /** Constant part of our message ids. */
  idStem: string;
  /** Where the relay's thread says how it is doing. */
  health: SharedArrayBuffer;
}

export class RelayControl {
  /** Envelopes that could not be read. */
  envelopesRefused = 0;
  readonly #parts: RelayControlParts;
  readonly #events: RelayControlEvents;
  #port: RelayPort | undefined;
  #iceRefresh: IceRefresh | undefined;
  #state: Status['relay'] = { state: 'connecting', since: 0 };

  constructor(parts: RelayControlParts, events: RelayControlEvents) {
    this.#parts = parts;
    this.#events = events;
  }

  /** How the connection stands. */
  get state(): Status['relay'] {
    return this.#state;
  }

  /** Begins to connect. @throws HotlinkError `ERR_HLNK_CONFIG`, `ERR_HLNK_RELAY_UNAVAILABLE` when the program's signaling throws */
  async start(): Promise<void> {
    const { options, idStem, health } = this.#parts;
    const { email, server, token, clock } = options;
    this.#state = { state: 'connecting', since: clock.unixMs() };
    this.leftOut(options.iceWarnings);
    const events = {
      message: (message: FromRelay) => this.#said(message),
      died: (error: Error) => this.#events.fatal('ERR_HLNK_WORKER', `the relay worker died: ${error.message}`),
    };
    if (options.signaling !== undefined) {
      const link = new SignalingLink(options.signaling, email, idStem, events);
      this.#port = link;
      try {
        await link.connect();
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new HotlinkError('ERR_HLNK_RELAY_UNAVAILABLE', `the signaling cannot be connected: ${reason}`, { cause: error });
      }
      return;
    }
    this.#port = new RelayLink(relayWorkerData(server, email, token, idStem, health), options.workers.relay, events);
    this.#iceRefresh = new IceRefresh(
      server,
      email,
      token,
      {
        fresh: ({ iceServers, turnUser, turnPass }) => {
          this.leftOut(options.adoptIce(iceServers.join(','), turnUser, turnPass));
          this.#events.report('ice servers renewed', { iceServers: iceServers.join(',') });
        },
        failed: (reason) => this.#events.report('ice servers not renewed', { reason }, 'warn'),
      },
      clock,
    );
  }

  send(idStem: string, message: HotlinkMessage): void {
    if (this.#state.state === 'up') this.#port?.send(idStem, message);
  }

  post(message: ToRelay): void {
    this.#port?.post(message);
  }

  /** Its thread, where it has one. */
  profiled(): ProfiledThread[] {
    const port = this.#port;
    if (port === undefined || this.#parts.options.signaling !== undefined) return [];
    return [{ kind: 'relay', profile: (to, intervalUs) => port.profile(to, intervalUs) }];
  }

  /** Nothing more is asked of it. */
  quiesce(): void {
    this.#iceRefresh?.stop();
  }

  /** Ends the connection, behind what was sent. */
  async stop(): Promise<void> {
    await this.#port?.stop();
  }

  /** @param warnings one for each ICE server that cannot be used */
  leftOut(warnings: readonly string[]): void {
    for (const reason of warnings) this.#events.report('ice server left out', { reason }, 'warn');
  }

  #said(message: FromRelay): void {
    const { options, channels, ipc, inbound } = this.#parts;
    const { report } = this.#events;
    const now = options.clock.nowMs();
    switch (message.t) {
      case 'up': {
        const other = takenForAnother(message.takenFor, options.email);
        if (other !== undefined) {
          this.#down(`the token is that of ${other}`, 401, [], now);
          break;
        }
        this.#state = { state: 'up', since: options.clock.unixMs() };
        this.leftOut(options.adoptIce(message.iceServers, message.turnUser, message.turnPass));
        this.#iceRefresh?.began(message.turnTtl);
        report('relay up', { server: options.server });
        inbound.handleRelay(true, now);
        ipc.relay(true);
        this.#events.connected(true);
        channels.relayUp(now);
        break;
      }
      case 'down':
        this.#down(message.reason, message.status, message.unconfirmed, now);
        break;
      case 'quiet':
        report(message.quiet ? 'relay silent' : 'relay answers', {}, message.quiet ? 'warn' : 'info');
        channels.relayQuiet(message.quiet);
        break;
      case 'message':
        dispatchMessage(message, fingerprint(message.id, options.ownPeers), inbound, channels, now);
        break;
      case 'refused':
        this.envelopesRefused += 1;
        report('envelope refused', { reason: message.reason }, 'warn');
        break;
      case 'unrouted':
        if (inbound.channelOf(message.sid)?.handleUnrouted(message.sid, now) !== true) inbound.handleStray(message.sid);
        break;
      case 'oversize':
        report(
          'frame refused',
          { sid: message.sid, reason: `${message.bytes} bytes are more than this program takes in one frame` },
          'warn',
        );
        break;
      case 'stopped':
        break;
    }
    this.#events.service();
  }

  #down(reason: string, status: number, unconfirmed: readonly number[], now: number): void {
    const { options, channels, ipc, inbound } = this.#parts;
    const before = this.#state;
    const denied = status === 401 || status === 403;
    const state = denied ? 'denied' : 'down';
    this.#state = { state, since: before.state === state ? before.since : options.clock.unixMs(), lastError: reason };
    // A relay that stays away is news once, not at every try.
    if (before.state !== state || before.lastError !== reason) this.#events.report('relay down', { reason, status }, 'warn');
    else this.#events.trace('relay still down', { reason, status });
    if (denied) {
      const hint =
        options.token === undefined ? 'it wants a token (HOTLINK_TOKEN)' : 'is the token (HOTLINK_TOKEN) of this e-mail, and good still?';
      this.#events.fatal('ERR_HLNK_AUTH', `the relay refused ${options.email}: ${reason}; ${hint}`);
    }
    if (before.state !== 'up') return;
    this.#events.connected(false);
    inbound.handleRelay(false, now);
    ipc.relay(false);
    channels.relayDown(reason, unconfirmed, now);
  }
}
