// Reading envelopes: any frame that the relay, a client or a stranger may send, in either encoding and every dialect.
// Invariant: never throws; what cannot be used is a verdict. Payloads are views into the frame. wire.md §1.3, §1.4. Any thread.
import { assemble, type FieldValue, type FieldValues, opaque, refused } from './assemble.js';
import { ENCODING_JSON, ENCODING_MSGPACK, ENVELOPE_VERSION, EnvelopeHead, hasPrefix, PREFIX_BYTES } from './head.js';
import { decodeEnvelopeText } from './json.js';
import { MsgpackReader } from './msgpack-reader.js';
import { type Field, type FieldKind, fieldsOf, MAX_TEXTS } from './schema.js';
import type { DecodeResult, EnvelopeVerdict } from './types.js';
import { decodeUtf8 } from './utf8.js';

/**
 * Decodes a binary WebSocket frame, msgpack or JSON.
 * @remarks Msgpack behind the prefix, JSON behind the prefix, or bare JSON.
 */
export function decodeEnvelope(frame: Uint8Array): DecodeResult {
  if (!hasPrefix(frame)) {
    const text = decodeUtf8(frame, 0, frame.length);
    const result = text === undefined ? refused('bad-magic') : decodeEnvelopeText(text);
    return !result.ok && result.reason === 'garbage' ? refused('bad-magic') : result;
  }
  if (frame.length < PREFIX_BYTES) return refused('garbage');
  if (frame[2] !== ENVELOPE_VERSION) return refused('bad-version');
  if (frame[3] === ENCODING_JSON) {
    const text = decodeUtf8(frame, PREFIX_BYTES, frame.length - PREFIX_BYTES);
    return text === undefined ? refused('garbage') : decodeEnvelopeText(text);
  }
  if (frame[3] !== ENCODING_MSGPACK) return refused('bad-encoding');

  const head = new EnvelopeHead();
  const verdict = head.read(frame);
  if (verdict !== 'ok') return refused(verdict);
  const id = decodeUtf8(frame, head.idStart, head.idBytes) ?? '';
  const fields = fieldsOf(head.typ);
  if (fields === undefined) return opaque(id, head.typ, frame.subarray(head.datStart, head.datStart + head.datBytes), 'msgpack');
  const values: FieldValues = {};
  const found = readDocument(new MsgpackReader(frame, head.datStart, head.datStart + head.datBytes), fields, values);
  return found === 'ok' ? assemble(id, head.typ, fields, values) : refused(found);
}

/** Reads the nested map. Unknown keys are skipped, nil is absence, and of a key that comes twice the last one counts. */
function readDocument(reader: MsgpackReader, fields: readonly Field[], values: FieldValues): 'ok' | EnvelopeVerdict {
  if (reader.mapHeader() !== 'ok') return 'garbage';
  for (let pairs = reader.number; pairs > 0; pairs--) {
    if (reader.span() !== 'ok') return 'garbage';
    const field = fieldNamed(reader, fields);
    if (field === undefined) {
      if (!reader.skip()) return 'garbage';
      continue;
    }
    const value = reader.nil() ? undefined : readValue(reader, field.kind);
    if (value === 'cut') return 'garbage';
    if (value === 'mismatch') return 'bad-field';
    values[field.name] = value?.value;
  }
  return reader.at === reader.end ? 'ok' : 'garbage';
}

function fieldNamed(reader: MsgpackReader, fields: readonly Field[]): Field | undefined {
  next: for (const field of fields) {
    const { keyBytes } = field;
    if (keyBytes.length !== reader.spanBytes) continue;
    for (let i = 0; i < keyBytes.length; i++) if (keyBytes[i] !== reader.bytes[reader.spanStart + i]) continue next;
    return field;
  }
  return undefined;
}

function readValue(reader: MsgpackReader, kind: FieldKind): { value: FieldValue } | 'mismatch' | 'cut' {
  switch (kind) {
    case 'text': {
      const verdict = reader.span();
      if (verdict !== 'ok') return verdict;
      const value = decodeUtf8(reader.bytes, reader.spanStart, reader.spanBytes);
      return value === undefined ? 'mismatch' : { value };
    }
    case 'bin': {
      const verdict = reader.span();
      return verdict === 'ok' ? { value: reader.bytes.subarray(reader.spanStart, reader.spanStart + reader.spanBytes) } : verdict;
    }
    case 'texts':
      return readTexts(reader);
    default: {
      const verdict = reader.integer();
      if (verdict !== 'ok') return verdict;
      return kind === 'uint' && reader.number < 0 ? 'mismatch' : { value: reader.number };
    }
  }
}

function readTexts(reader: MsgpackReader): { value: FieldValue } | 'mismatch' | 'cut' {
  const header = reader.arrayHeader();
  if (header !== 'ok') return header;
  const items = reader.number;
  if (items > MAX_TEXTS) return 'mismatch';
  const value: string[] = [];
  for (let i = 0; i < items; i++) {
    const item = readValue(reader, 'text');
    if (typeof item === 'string') return item;
    value.push(item.value as string);
  }
  return { value };
}
