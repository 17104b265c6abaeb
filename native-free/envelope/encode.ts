// Writing envelopes: our own form, JSON, and upstream's two msgpack dialects (the relay's towards clients, and for tests' doubles).
// wire.md §1.3, §1.4. Any thread. Data on the byte path is written by data.ts, byte for byte the same as `msgpack` here.
import { HotlinkError } from '../errors.js';
import { type FieldValue, type FieldValues, isEmpty } from './assemble.js';
import { ENCODING_MSGPACK, ENVELOPE_VERSION, PREFIX_0, PREFIX_1 } from './head.js';
import { encodeEnvelopeText } from './json.js';
import { MsgpackWriter } from './msgpack-writer.js';
import { type Field, fieldsOf } from './schema.js';
import type { EnvelopeFormat, Message } from './types.js';

type MsgpackFormat = Exclude<EnvelopeFormat, 'json'>;

const PREFIX = new Uint8Array([PREFIX_0, PREFIX_1, ENVELOPE_VERSION, ENCODING_MSGPACK]);

/**
 * One envelope: bytes for a binary WebSocket frame, or the text of a text frame. The `id` is not empty; `msgpack-full` is Go's dialect.
 * @throws HotlinkError `ERR_HLNK_INTERNAL` for a number that is no safe integer, `ERR_HLNK_USAGE` for a `raw` message in the other encoding
 */
export function encodeEnvelope(id: string, message: Message, format: 'json'): string;
export function encodeEnvelope(id: string, message: Message, format: 'msgpack' | 'msgpack-full' | 'msgpack-rust'): Uint8Array<ArrayBuffer>;
/** @internal */
export function encodeEnvelope(
  id: string,
  message: Message,
  format: 'json' | 'msgpack' | 'msgpack-full' | 'msgpack-rust',
): Uint8Array<ArrayBuffer> | string;
export function encodeEnvelope(id: string, message: Message, format: EnvelopeFormat): Uint8Array<ArrayBuffer> | string {
  checkNumbers(message);
  if (format === 'json') return encodeEnvelopeText(id, message);
  const typ = message.typ === -1 ? message.wireTyp : message.typ;
  const writer = new MsgpackWriter();
  writer.raw(PREFIX);
  writer.mapHeader(3);
  writer.text('id');
  writer.text(id);
  writer.text('typ');
  if (format === 'msgpack-full') writer.uint16(typ);
  else writer.int(typ);
  writer.text('dat');
  writer.bin(encodeDocument(message, typ, format));
  return writer.finish();
}

function encodeDocument(message: Message, typ: number, format: MsgpackFormat): Uint8Array {
  if ('raw' in message) {
    if (message.encoding === 'msgpack') return message.raw;
    throw new HotlinkError('ERR_HLNK_USAGE', `message type ${typ} was kept as JSON and cannot be sent as msgpack`);
  }
  const values = message as unknown as FieldValues;
  const fields = (fieldsOf(typ) ?? []).filter((field) => isWritten(field, values[field.name], format));
  const writer = new MsgpackWriter();
  writer.mapHeader(fields.length);
  for (const field of fields) {
    writer.text(field.key);
    writeValue(writer, field, values[field.name], format);
  }
  return writer.finish();
}

/** Empty optional keys are left out, except where a dialect spells them. */
function isWritten(field: Field, value: FieldValue | undefined, format: MsgpackFormat): boolean {
  if (field.presence !== 'optional' || !isEmpty(value)) return true;
  return format === 'msgpack-rust' || (format === 'msgpack-full' && field.nilInGo);
}

function writeValue(writer: MsgpackWriter, field: Field, value: FieldValue | undefined, format: MsgpackFormat): void {
  if (isEmpty(value) && field.presence === 'optional' && (format === 'msgpack-rust' ? field.nilInRust : field.nilInGo)) {
    writer.nil();
    return;
  }
  switch (field.kind) {
    case 'text':
      writer.text((value ?? '') as string);
      break;
    case 'texts': {
      const items = (value ?? []) as readonly string[];
      writer.arrayHeader(items.length);
      for (const item of items) writer.text(item);
      break;
    }
    case 'bin':
      writer.bin(value as Uint8Array);
      break;
    case 'uint':
      if (format === 'msgpack-full') writer.uint64(value as number);
      else writer.int(value as number);
      break;
    case 'int64':
      if (format === 'msgpack-full') writer.int64(value as number);
      else writer.int(value as number);
      break;
    case 'int':
      writer.int(value as number);
  }
}

/** A number that is not exact would be read back as another one. */
function checkNumbers(message: Message): void {
  if ('raw' in message) return;
  const values = message as unknown as FieldValues;
  for (const { name, kind } of fieldsOf(message.typ) ?? []) {
    if (kind !== 'uint' && kind !== 'int' && kind !== 'int64') continue;
    const value = values[name];
    if (!Number.isSafeInteger(value) || (kind === 'uint' && (value as number) < 0)) {
      throw new HotlinkError('ERR_HLNK_INTERNAL', `"${name}" of message type ${message.typ} takes a safe integer, not ${String(value)}`);
    }
  }
}
