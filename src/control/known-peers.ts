// The identity keys that peers have shown, pinned on first use as ssh's known_hosts does: one line `e-mail ed25519 base64` each, `#` begins a
// comment. Read anew at every look, so that a line that a person removes counts at once. Invariant: what cannot be read pins, it never
// lets through. Main thread.

import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { decodeBase64, encodeBase64 } from '../../native-free/envelope/base64.js';

const KEY_BYTES = 32;

export interface PinnedKey {
  /** Undefined when the line cannot be read. */
  key: Uint8Array | undefined;
  /** Where it stands, from 1; 0 when the whole file cannot be read. */
  line: number;
}

export class KnownPeers {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** @returns the key pinned for this peer; undefined when there is none */
  find(email: string): PinnedKey | undefined {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : { key: undefined, line: 0 };
    }
    for (const [index, line] of text.split('\n').entries()) {
      const [who, kind, base64] = line.trim().split(/\s+/);
      if (who !== email) continue;
      const key = kind === 'ed25519' ? decodeBase64(base64 ?? '') : undefined;
      return { key: key?.length === KEY_BYTES ? key : undefined, line: index + 1 };
    }
    return undefined;
  }

  /** Pins a key. @throws the system's error when the file cannot be written */
  pin(email: string, key: Uint8Array): void {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    const apart = existsSync(this.path) && !/(^|\n)$/.test(readFileSync(this.path, 'utf8')) ? '\n' : '';
    // An editor may have left the last line without its end: added to it, neither peer's key could be read. One short line in one write: two programs that pin at once do not mix their lines.
    appendFileSync(this.path, `${apart}${email} ed25519 ${encodeBase64(key)}\n`, { mode: 0o600 });
  }
}
