// The embedding program's word on addresses, asked about each before it is told to the peer or tried. An address it fails on is not used.
// Main thread.

import type { Report } from '../events.js';
import type { AddressFilter, AddressUse } from '../options.js';

export class AddressRules {
  readonly #filter: AddressFilter | undefined;
  readonly #peer: string;
  readonly #report: Report;

  constructor(filter: AddressFilter | undefined, peer: string, report: Report) {
    this.#filter = filter;
    this.#peer = peer;
    this.#report = report;
  }

  allows(lane: AddressUse['lane'], side: AddressUse['side'], address: string, kind = 'host'): boolean {
    if (this.#filter === undefined) return true;
    try {
      return this.#filter({ address, side, lane, kind, peer: this.#peer });
    } catch (error) {
      this.#report('address filter failed', { address, reason: error instanceof Error ? error.message : String(error) }, 'warn');
      return false;
    }
  }

  /** @param candidate with or without `a=` and `candidate:` */
  allowsCandidate(side: AddressUse['side'], candidate: string): boolean {
    if (this.#filter === undefined) return true;
    const [, , , , address = '', , , kind = ''] = candidate.replace(/^a=/, '').split(' ');
    // An empty candidate ends the list; it names nothing.
    return address === '' || this.allows('webrtc', side, address, kind);
  }

  /** A description without the candidates that are not allowed. */
  strip(side: AddressUse['side'], sdp: string): string {
    if (this.#filter === undefined) return sdp;
    return sdp.replace(/^a=candidate:[^\r\n]*\r?\n/gm, (line) => (this.allowsCandidate(side, line.trim()) ? line : ''));
  }
}
