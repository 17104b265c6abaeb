// A relay that plays the peer in the key exchange toward one victim: its own keys, its own identity, and everything else it needs to be right:
// e-mails, epochs, roles. Only the identity key is not the peer's.
import { encodeEnvelope, fingerprint, KEY_SIGNAL, KeyExchange, type SignalMessage } from '../../native-free/index.js';
import type { IdentityKey } from '../../src/control/identity-key.js';
import { newKeyCrypto } from '../../src/control/key-crypto.js';
import type { Passing } from './meddler.js';

export class Impersonator {
  readonly #victim: string;
  readonly #peer: string;
  readonly #key: IdentityKey;
  readonly #inject: (id: string, message: SignalMessage) => void;
  readonly #exchanges = new Map<string, KeyExchange>();
  readonly #openedByVictim = new Set<string>();
  #epoch = '';

  constructor(victim: string, peer: string, key: IdentityKey, inject: (id: string, message: SignalMessage) => void) {
    this.#victim = victim;
    this.#peer = peer;
    this.#key = key;
    this.#inject = inject;
  }

  /** @returns what goes on in place of a message; undefined lets it pass */
  meddle({ user, to, envelope }: Passing): Uint8Array[] | undefined {
    if (user !== this.#victim || envelope === undefined) return undefined;
    const { id, message } = envelope;
    if (to === 'relay') this.#epoch = epochIn(id);
    if (to === 'relay' && message.typ === 9) this.#openedByVictim.add(message.sid);
    if (message.typ !== 14 || message.knd !== KEY_SIGNAL) return undefined;
    if (to === 'client') {
      const exchange = this.#exchange(message.sid, epochIn(id));
      return this.#words(exchange).map((tok) => encodeEnvelope(id, { ...message, tok }, 'msgpack'));
    }
    const exchange = this.#exchanges.get(message.sid);
    exchange?.handleSignal(message.tok);
    if (exchange !== undefined) for (const tok of this.#words(exchange)) this.#inject(id, { ...message, tok });
    return [];
  }

  #exchange(sid: string, epoch: string): KeyExchange {
    const known = this.#exchanges.get(sid);
    if (known !== undefined) return known;
    const exchange = new KeyExchange({
      sid,
      role: this.#openedByVictim.has(sid) ? 'acceptor' : 'opener',
      self: { email: this.#peer, epoch },
      peer: { email: this.#victim, epoch: this.#epoch },
      enabled: true,
      crypto: newKeyCrypto(this.#key),
      mustSeal: () => undefined,
      judge: () => undefined,
    });
    this.#exchanges.set(sid, exchange);
    exchange.start(0);
    return exchange;
  }

  #words(exchange: KeyExchange): string[] {
    const words: string[] = [];
    for (let output = exchange.poll(); output !== undefined; output = exchange.poll()) if (output.kind === 'send') words.push(output.tok);
    return words;
  }
}

function epochIn(id: string): string {
  const from = fingerprint(id);
  return from.kind === 'hotlink' ? from.instance : '';
}
