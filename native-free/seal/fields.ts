// Fields of bytes and text joined so that no two lists of fields give the same bytes: what is signed and hashed has one reading.
// Any thread.
//
//   each field:   u32 length, big-endian │ bytes

const encoder = new TextEncoder();

/** @param fields text is taken as UTF-8; `undefined` is an empty field */
export function joinFields(fields: readonly (string | Uint8Array | undefined)[]): Uint8Array<ArrayBuffer> {
  const parts = fields.map((field) => (typeof field === 'string' ? encoder.encode(field) : (field ?? new Uint8Array(0))));
  const out = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    out.set(part, at + 4);
    at += 4 + part.length;
  }
  return out;
}

/** Whether two arrays hold the same bytes. For public values only: it takes less time the earlier they differ. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
