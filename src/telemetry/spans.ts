// OpenTelemetry spans of a data plane, made from what it reports anyway, through `@opentelemetry/api` if the embedding program has it: without
// the package nothing is loaded, and without a registered provider the spans cost a call. Identifiers are attributes; payload never is.
// What seed 001 names for files, for this data plane:
//
//   hotlink.session.open   Open sent … accepted (or refused, or superseded)
//   hotlink.negotiation    first description or offer … data channel or direct connection open (or failed)
//   hotlink.first_byte     session accepted … first payload of the channel from the peer
//   hotlink.lane.switch    no lane … the next one carries; of no length when one lane takes over from another
//   hotlink.write          an application's connection carries … it closed, or was reset
//
// Main thread.

import type { Attributes, Span, Tracer } from '@opentelemetry/api';

/** Spans that have begun, bounded in case their end is never reported; the oldest is ended without an outcome. */
const MAX_OPEN = 1024;
/** `SpanStatusCode.ERROR`, a number of the API that does not change; its package may be absent. */
const ERROR = 2;

type Fields = Record<string, unknown>;

/** @returns undefined when the API's package is absent */
export async function createSpans(email: string): Promise<Spans | undefined> {
  try {
    const { trace } = await import('@opentelemetry/api');
    return new Spans(trace.getTracer('hotlink'), email);
  } catch {
    return undefined;
  }
}

export class Spans {
  readonly #tracer: Tracer;
  readonly #email: string;
  readonly #open = new Map<string, Span>();
  /** The lane that carries each channel, by peer and directory. */
  readonly #lanes = new Map<string, string>();

  /** @param email our own identity, an attribute of every span */
  constructor(tracer: Tracer, email: string) {
    this.#tracer = tracer;
    this.#email = email;
  }

  /** Something happened: the same words and fields as in the log. */
  note(what: string, fields: Fields): void {
    const { sid } = fields;
    switch (what) {
      case 'session opening':
        this.#begin(`open ${sid}`, 'hotlink.session.open', fields, ['sid', 'peer', 'path']);
        break;
      case 'session accepted':
        this.#end(`open ${sid}`, { client: fields['client'] });
        this.#begin(`first ${sid}`, 'hotlink.first_byte', fields, ['sid', 'peer', 'direction', 'client']);
        break;
      case 'session rejected':
      case 'session closing':
        this.#end(`open ${sid}`, {}, String(fields['reason']));
        break;
      case 'signal in':
      case 'signal out':
        if (fields['kind'] === 'sdp_offer')
          this.#begin(`webrtc ${sid}`, 'hotlink.negotiation', { ...fields, lane: 'webrtc' }, ['sid', 'lane']);
        else if (fields['kind'] === 'hl1_direct')
          this.#begin(`direct ${sid}`, 'hotlink.negotiation', { ...fields, lane: 'direct' }, ['sid', 'lane']);
        break;
      case 'webrtc open':
      case 'direct open':
        this.#end(`${what.split(' ')[0]} ${sid}`, { candidates: fields['candidates'], mtu: fields['mtu'] });
        break;
      case 'webrtc failed':
      case 'direct failed':
        this.#end(`${what.split(' ')[0]} ${sid}`, {}, String(fields['reason']));
        break;
      case 'first payload':
        this.#end(`first ${sid}`, {});
        break;
      case 'session ended':
        // Nothing came of it: most sessions of the sending side.
        this.#end(`first ${sid}`, { ended_by: 'session' });
        break;
      case 'lane':
        this.#lane(fields);
        break;
      case 'connection bound':
        this.#begin(`write ${fields['key']} ${fields['stream']}`, 'hotlink.write', fields, ['key', 'stream']);
        break;
      case 'connection closed':
        this.#end(`write ${fields['key']} ${fields['stream']}`, {});
        break;
      case 'connection reset':
        this.#end(`write ${fields['key']} ${fields['stream']}`, {}, String(fields['reason']));
        break;
      case 'ipc application connected':
        this.#begin(`write ${fields['directory']}`, 'hotlink.write', fields, ['directory']);
        break;
      case 'ipc application left':
        this.#end(`write ${fields['directory']}`, {});
        break;
    }
  }

  /** The data plane stops: nothing stays open. */
  close(): void {
    for (const key of [...this.#open.keys()]) this.#end(key, { ended_by: 'shutdown' });
  }

  #lane(fields: Fields): void {
    const channel = `${fields['peer']} ${fields['key'] ?? ''}`;
    const before = this.#lanes.get(channel);
    const lane = typeof fields['lane'] === 'string' ? fields['lane'] : undefined;
    const key = `lane ${channel}`;
    if (lane === before) return;
    if (lane === undefined) this.#lanes.delete(channel);
    else this.#lanes.set(channel, lane);
    if (!this.#open.has(key)) this.#begin(key, 'hotlink.lane.switch', { ...fields, from: before ?? 'none' }, ['peer', 'from']);
    if (lane !== undefined) this.#end(key, { sid: fields['sid'], to: lane, reason: fields['reason'] });
  }

  /** Nothing happens to one that is open already: a repeated offer begins nothing. */
  #begin(key: string, name: string, fields: Fields, keep: readonly string[]): void {
    if (this.#open.has(key)) return;
    const oldest = this.#open.keys().next().value;
    if (this.#open.size >= MAX_OPEN && oldest !== undefined) this.#end(oldest, { ended_by: 'bound' });
    const attributes = attributesOf(Object.fromEntries(keep.map((field) => [field, fields[field]])));
    this.#open.set(key, this.#tracer.startSpan(name, { attributes: { 'hotlink.identity': this.#email, ...attributes } }));
  }

  #end(key: string, fields: Fields, error?: string): void {
    const span = this.#open.get(key);
    if (span === undefined) return;
    this.#open.delete(key);
    span.setAttributes(attributesOf(fields));
    if (error !== undefined) span.setStatus({ code: ERROR, message: error });
    span.end();
  }
}

function attributesOf(fields: Fields): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') attributes[`hotlink.${name}`] = value;
  }
  return attributes;
}
