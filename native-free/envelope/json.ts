// Envelopes as JSON: what a text frame holds, and what a peer without msgpack gets. wire.md §1.3. Any thread.
// Invariant: reading never throws. Bytes are base64, an absent key and null are the same.
import { HotlinkError } from '../errors.js';
import { assemble, type FieldValue, type FieldValues, isEmpty, opaque, refused } from './assemble.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { isModestJson } from './json-shape.js';
import { type FieldKind, fieldsOf, MAX_TEXTS, MAX_TYPE } from './schema.js';
import type { DecodeResult, Message } from './types.js';
import { decodeUtf8, encodeUtf8 } from './utf8.js';

/** Decodes a text WebSocket frame. */
export function decodeEnvelopeText(text: string): DecodeResult {
  if (!isModestJson(text)) return refused('garbage');
  let envelope: unknown;
  try {
    envelope = JSON.parse(text);
  } catch {
    return refused('garbage');
  }
  if (!isObject(envelope)) return refused('garbage');
  const id = valueAt(envelope, 'id');
  const said = valueAt(envelope, 'typ');
  // JSON has a zero below zero, which would compare as the other one and count as another.
  const typ = isInteger(said) ? said + 0 : said;
  const dat = valueAt(envelope, 'dat');
  if (id === undefined || typ === undefined || dat === undefined) return refused('missing-field');
  if (typeof id !== 'string' || !isInteger(typ) || typ < 0 || typ > MAX_TYPE) return refused('bad-field');
  const fields = fieldsOf(typ);
  if (fields === undefined) {
    const raw = textOf(dat);
    return raw === undefined ? refused('garbage') : opaque(id, typ, encodeUtf8(raw), 'json');
  }
  if (!isObject(dat)) return refused('bad-field');
  const values: FieldValues = {};
  for (const { name, kind } of fields) {
    const given = valueAt(dat, name);
    if (given === undefined) continue;
    const value = checked(given, kind);
    if (value === undefined) return refused('bad-field');
    values[name] = value;
  }
  return assemble(id, typ, fields, values);
}

/**
 * One envelope as the text of a WebSocket text frame; empty optional keys are left out.
 * @throws HotlinkError ERR_HLNK_USAGE for a message kept as msgpack, which has no JSON form here
 */
export function encodeEnvelopeText(id: string, message: Message): string {
  if ('raw' in message) {
    const typ = message.typ === -1 ? message.wireTyp : message.typ;
    const text = message.encoding === 'json' ? decodeUtf8(message.raw, 0, message.raw.length) : undefined;
    if (text === undefined) throw new HotlinkError('ERR_HLNK_USAGE', `message type ${typ} was kept as msgpack and cannot be sent as JSON`);
    return `{"id":${JSON.stringify(id)},"typ":${typ},"dat":${text}}`;
  }
  const values = message as unknown as FieldValues;
  const dat: Record<string, unknown> = {};
  for (const { name, presence } of fieldsOf(message.typ) ?? []) {
    const value = values[name];
    if (presence === 'optional' && isEmpty(value)) continue;
    dat[name] = value instanceof Uint8Array ? encodeBase64(value) : value;
  }
  return JSON.stringify({ id, typ: message.typ, dat });
}

/** The value as JSON again. */
function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function checked(given: unknown, kind: FieldKind): FieldValue | undefined {
  switch (kind) {
    case 'text':
      return typeof given === 'string' ? given : undefined;
    case 'bin':
      return typeof given === 'string' ? decodeBase64(given) : undefined;
    case 'texts':
      return Array.isArray(given) && given.length <= MAX_TEXTS && given.every((item) => typeof item === 'string') ? given : undefined;
    case 'uint':
      return isInteger(given) && given >= 0 ? given + 0 : undefined;
    default:
      return isInteger(given) ? given + 0 : undefined;
  }
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A key's value; undefined for null, which stands for absence. No key of ours is one that every object inherits. */
function valueAt(object: object, key: string): unknown {
  return (object as Record<string, unknown>)[key] ?? undefined;
}
