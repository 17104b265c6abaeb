// Turns the values that either encoding found into a message: fills what may be absent, refuses what may not. Any thread.
import type { Field } from './schema.js';
import type { DecodeResult, EnvelopeVerdict, Message } from './types.js';

export type FieldValue = string | readonly string[] | number | Uint8Array;
export type FieldValues = Record<string, FieldValue | undefined>;

const NO_BYTES = new Uint8Array(0);

export function refused(reason: EnvelopeVerdict): DecodeResult {
  return { ok: false, reason };
}

/**
 * The message, once every key of the document has been read.
 * @param values by property name, of the types the schema asks for; undefined for nil and absent
 */
export function assemble(id: string, typ: number, fields: readonly Field[], values: FieldValues): DecodeResult {
  const message: Record<string, FieldValue> = { typ };
  for (const { name, kind, presence } of fields) {
    const value = values[name];
    if (value === undefined) {
      if (presence === 'required') return refused('missing-field');
      if (kind === 'bin') message[name] = NO_BYTES;
      else if (presence === 'zero') message[name] = kind === 'text' ? '' : 0;
    } else if (presence !== 'optional' || kind === 'bin' || !isEmpty(value)) {
      message[name] = value;
    }
  }
  // The table in schema.ts and the interfaces in types.ts say the same thing; the golden tests hold them together.
  return { ok: true, id, message: message as unknown as Message };
}

/** A message kept as it came. */
export function opaque(id: string, typ: number, raw: Uint8Array, encoding: 'msgpack' | 'json'): DecodeResult {
  return { ok: true, id, message: typ === 8 ? { typ, raw, encoding } : { typ: -1, wireTyp: typ, raw, encoding } };
}

/** Empty is what Go leaves out under an omit tag. */
export function isEmpty(value: FieldValue | undefined): boolean {
  return value === undefined || (typeof value !== 'number' && value.length === 0);
}
