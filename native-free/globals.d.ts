// The two encoders that every JavaScript host has (Node, browsers, Deno) but no ECMAScript library file declares.
// Declared here so that this room still compiles with `types: []` and no DOM.
declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>;
  encodeInto(source: string, destination: Uint8Array): { read: number; written: number };
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(input?: Uint8Array): string;
}
