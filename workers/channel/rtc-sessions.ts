// The peer connections of one channel, by session id: starts them with what main says, reports what the addon says. Loads this thread's
// addon on first use; where it cannot be loaded, every attempt fails with the reason and the relay carries the channel. Channel worker.

import { HotlinkError } from '../../native-free/errors.js';
import { type Addon, loadAddon } from '../addon.js';
import { sctpProfile } from '../lanes/sctp-profile.js';
import { WebRtcLane } from '../lanes/webrtc.js';
import type { FromChannel, RtcSettings, ToChannel } from '../messages.js';

export interface RtcSessionEvents {
  post(message: FromChannel): void;
  laneUp(lane: WebRtcLane): void;
  laneDown(lane: WebRtcLane, reason: string): void;
  failed(sid: string, reason: string): void;
  frame(lane: WebRtcLane, message: Uint8Array): void;
  writable(lane: WebRtcLane): void;
  stalled(): void;
}

export type RtcStart = Extract<ToChannel, { t: 'rtc-start' }>;

export class RtcSessions {
  readonly #settings: RtcSettings;
  readonly #events: RtcSessionEvents;
  readonly #lanes = new Map<string, WebRtcLane>();

  constructor(settings: RtcSettings, events: RtcSessionEvents) {
    this.#settings = settings;
    this.#events = events;
  }

  start({ sid, role, own, mtu, loopback, ice }: RtcStart): void {
    this.stop(sid);
    const events = this.#events;
    events.post({ t: 'rtc-started', sid });
    try {
      const lane = new WebRtcLane(
        this.#tuned(loopback),
        { sid, role, own, mtu, loopback, ice, settings: this.#settings },
        {
          description: (type, sdp) => events.post({ t: 'rtc-description', sid, type, sdp }),
          candidate: (candidate, mid) => events.post({ t: 'rtc-local-candidate', sid, candidate, mid }),
          gathered: (sdp) => events.post({ t: 'rtc-gathered', sid, sdp }),
          open: (open, local, remote) => {
            events.post({ t: 'rtc-open', sid, local, remote });
            events.laneUp(open);
          },
          closed: (closed, reason) => {
            if (this.#lanes.get(sid) === closed) this.#lanes.delete(sid);
            events.laneDown(closed, reason);
            events.post({ t: 'rtc-closed', sid, reason });
          },
          frame: (from, message) => events.frame(from, message),
          writable: (writable) => events.writable(writable),
          stalled: () => events.stalled(),
        },
      );
      this.#lanes.set(sid, lane);
    } catch (error) {
      const reason = error instanceof HotlinkError ? error.message : explain((error as Error).message);
      events.failed(sid, reason);
      events.post({ t: 'rtc-closed', sid, reason });
    }
  }

  setRemote(sid: string, type: 'offer' | 'answer', sdp: string): void {
    const lane = this.#lanes.get(sid);
    // Another session's connection may have set its own since.
    if (lane !== undefined) this.#tuned(lane.loopback);
    const refused = lane?.setRemote(type, sdp);
    if (refused === undefined) return;
    this.stop(sid);
    this.#events.failed(sid, `the peer's ${type} was refused: ${refused}`);
    this.#events.post({ t: 'rtc-closed', sid, reason: `the peer's ${type} was refused: ${refused}` });
  }

  addCandidate(sid: string, candidate: string, mid: string): void {
    this.#lanes.get(sid)?.addCandidate(candidate, mid);
  }

  /** Ends a session's connection without a report. */
  stop(sid: string): WebRtcLane | undefined {
    const lane = this.#lanes.get(sid);
    this.#lanes.delete(sid);
    lane?.close();
    return lane;
  }

  stopAll(): void {
    for (const sid of [...this.#lanes.keys()]) this.stop(sid);
  }

  #tuned(loopback: boolean): Addon {
    const addon = loadAddon();
    addon.setSctpSettings(sctpProfile(this.#settings, loopback));
    return addon;
  }
}

function explain(message: string): string {
  // Each image of the addon keeps four of the process's 1024 thread-specific keys when its thread ends (workers/README.md).
  const worn = /allocate structures|generate ECDSA/.test(message);
  return `the peer connection could not be made: ${message}${worn ? '; this process has started and ended too many WebRTC threads: restart it' : ''}`;
}
