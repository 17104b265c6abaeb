// Everything that a data plane reports, handed to whoever listens: the log, spans, listeners, readers, diagnostics channels, and the last few
// for `status()`. Owns the numbering, and the limit on what strangers can bring about. Main thread.

import { EventEmitter } from 'node:events';
import RingBufferTs from 'ring-buffer-ts';
import { HotlinkError, type HotlinkErrorCode } from '../native-free/index.js';
import type { Clock } from './clock.js';
import { EventLimit } from './control/event-limit.js';
import { publish } from './diagnostics.js';
import { EventReader, type EventsOptions } from './event-reader.js';
import type { EventLevel, HotlinkEvent, HotlinkEventFields, HotlinkEventName, HotlinkEvents } from './events.js';
import type { Log } from './options.js';
import type { Spans } from './telemetry/spans.js';

/** Events kept for status, oldest dropped first. */
const RECENT_EVENTS = 256;
/** What anybody who reaches us, or the peer, can make happen as often as they like. */
const FROM_STRANGERS = ['direct connection refused', 'certificate refused', 'signal refused', 'open refused', 'envelope refused'];

export class EventFeed {
  spans: Spans | undefined;
  readonly #email: string;
  readonly #log: Log | undefined;
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #emitter = new EventEmitter<HotlinkEvents>();
  readonly #readers = new Set<EventReader>();
  readonly #recent = new RingBufferTs.RingBuffer<HotlinkEvent>(RECENT_EVENTS);
  readonly #limits = new Map(FROM_STRANGERS.map((what) => [what, new EventLimit()]));
  #lastId = 0;
  #over = false;

  /** @param changed status shows something new */
  constructor(email: string, log: Log | undefined, clock: Clock, changed: () => void) {
    this.#email = email;
    this.#log = log;
    this.#clock = clock;
    this.#changed = changed;
  }

  on<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => unknown): void {
    this.#emitter.on(event, listener as never);
  }
  off<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => unknown): void {
    this.#emitter.off(event, listener as never);
  }

  /** The last few, oldest first. */
  recent(): HotlinkEvent[] {
    return this.#recent.toArray();
  }

  reader(options: EventsOptions): EventReader {
    const reader = new EventReader(options, (left) => this.#readers.delete(left));
    if (this.#over || options.signal?.aborted === true) reader.end();
    else this.#readers.add(reader);
    return reader;
  }

  /** Something happened. */
  readonly report = <K extends HotlinkEventName>(what: K, said: HotlinkEventFields[K], level: EventLevel = 'info'): void => {
    const limit = this.#limits.get(what);
    const leftOut = limit === undefined ? 0 : limit.take(this.#clock.nowMs());
    if (leftOut === undefined) return;
    const fields = leftOut === 0 ? said : { ...said, leftOut };
    this.#lastId += 1;
    const event = { id: this.#lastId, atMs: this.#clock.unixMs(), what, fields } as HotlinkEvent;
    this.#recent.add(event);
    this.spans?.note(what, fields);
    this.#log?.[level](fields, what);
    this.#emitter.emit('event', what, fields, event);
    for (const reader of this.#readers) reader.put(event);
    publish('hotlink:event', () => ({ email: this.#email, event }));
    this.#changed();
  };

  /** For spans and the debug log only. */
  readonly trace = (what: string, fields: Record<string, unknown>): void => {
    this.spans?.note(what, fields);
    this.#log?.debug(fields, what);
  };

  emit(event: 'change' | 'flush'): void {
    this.#emitter.emit(event);
  }

  fatal(code: HotlinkErrorCode, message: string): void {
    const error = new HotlinkError(code, message);
    this.#emitter.emit('fatal', error);
    publish('hotlink:fatal', () => ({ email: this.#email, error }));
  }

  /** The data plane is gone: readers come to their end. */
  end(): void {
    this.#over = true;
    for (const reader of [...this.#readers]) reader.end();
    this.spans?.close();
  }
}
