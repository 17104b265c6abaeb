// The traffic of a Syqure run's key exchange (multi-party homomorphic encryption, CKKS with N = 16384), without the cryptography: 731 messages
// of 1,572,924 bytes each way between the owners, strictly one side after the other. CP2 sends its polynomials, CP1 adds its own and sends
// the sums back. Here the polynomials come out of seeds that all parties know, so that every byte of every message is checked.
import { add, elementsOf, keystream } from './ring.mjs';

/** 12 primes of 16,384 coefficients of 8 bytes, behind 52 bytes of framing; with the length in front 1,572,924 on the wire. */
const FRAMING_BYTES = 52;
const BODY_BYTES = FRAMING_BYTES + 12 * 16_384 * 8;
export const FULL_COUNT = 731;

/** How many messages go before the other side answers: the public key, two rounds of the relinearisation key, 142 rotation keys. */
export function turns(count) {
  const sizes = [1, 10, 10];
  const all = [];
  for (let left = count; left > 0; left -= all.at(-1)) all.push(Math.min(left, sizes.shift() ?? 5));
  return all;
}

/** @param seeds 32 bytes of each party that has polynomials, by its number */
export async function exchangeKeys({ party, peer, dealer, seeds, count }) {
  let index = 0;
  for (const size of turns(count)) {
    const indices = Array.from({ length: size }, (_, at) => index + at);
    index += size;
    if (party === 2) {
      for (const at of indices) await peer.send(polynomial(seeds[2], at));
      for (const at of indices) check(await peer.receive(), joint(seeds, at), at);
    } else {
      for (const at of indices) check(await peer.receive(), polynomial(seeds[2], at), at);
      for (const at of indices) await peer.send(joint(seeds, at));
      // The public key is for the aggregator too.
      if (indices[0] === 0) await dealer.send(joint(seeds, 0));
    }
  }
}

/** The dealer's part: the public key. */
export async function receivePublicKey({ first, seeds, count }) {
  if (count > 0) check(await first.receive(), joint(seeds, 0), 0);
}

const polynomial = (seed, index) => keystream(seed, index, BODY_BYTES);

/** The framing is that of the second owner's message, the coefficients are added up. */
function joint(seeds, index) {
  const sum = polynomial(seeds[2], index);
  const coefficients = elementsOf(sum.subarray(FRAMING_BYTES));
  add(coefficients, elementsOf(polynomial(seeds[1], index).subarray(FRAMING_BYTES)), coefficients);
  return sum;
}

function check(received, expected, index) {
  if (!received.equals(expected)) throw new Error(`message ${index} of the key exchange arrived with other bytes than were sent`);
}
