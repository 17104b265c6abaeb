// Additive sharing between the two owners, and multiplication with Beaver's triples, which the dealer made beforehand: c = a·b, each of the
// three shared. To multiply x by y the owners open x-a and y-b, which tell nothing, since nobody but the dealer knows a or b.
import { randomBytes } from 'node:crypto';
import { add, bytesOf, ELEMENT_BYTES, elementsOf, expand, multiply, random, subtract } from './ring.mjs';

const [A, B, C] = [1, 2, 3];

/**
 * The dealer's part. Each owner gets a seed out of which it makes its shares itself; only the first one's share of c cannot be random, so it
 * is sent. (Sequre deals in the same way: one owner hears nearly nothing.)
 * @param elements triples for so many multiplications
 */
export async function deal(toFirst, toSecond, elements) {
  const [first, second] = [randomBytes(32), randomBytes(32)];
  const a = add(expand(first, A, elements), expand(second, A, elements));
  const b = add(expand(first, B, elements), expand(second, B, elements));
  const c = subtract(multiply(a, b), expand(second, C, elements));
  await Promise.all([toFirst.send(first, bytesOf(c)), toSecond.send(second)]);
}

/** Triples of one owner, used up from the front: a triple that serves twice gives away what it hides. */
export class Triples {
  #triples;
  #used = 0;

  /** @param first whether this is the owner that is sent its share of c */
  static async receive(dealer, first, elements) {
    const message = await dealer.receive();
    const expected = 32 + (first ? elements * ELEMENT_BYTES : 0);
    if (message.length !== expected) throw new Error(`the dealer sent ${message.length} bytes instead of ${expected}`);
    const seed = message.subarray(0, 32);
    const c = first ? elementsOf(message.subarray(32)) : expand(seed, C, elements);
    return new Triples([expand(seed, A, elements), expand(seed, B, elements), c]);
  }

  constructor(triples) {
    this.#triples = triples;
  }

  take(elements) {
    const [from, to] = [this.#used, this.#used + elements];
    if (to > this.#triples[0].length) throw new Error('the triples are used up');
    this.#used = to;
    return this.#triples.map((part) => part.subarray(from, to));
  }
}

/** Both owners at once give each other a share of what is theirs. @returns own shares of the own vectors and of the peer's */
export async function shareInputs(peer, vectors) {
  const given = vectors.map(({ length }) => random(length));
  const kept = vectors.map((vector, index) => subtract(vector, given[index]));
  return [kept, await swap(peer, given)];
}

/** Shares of the product of two shared vectors, element by element. One round, both ways at once. */
export async function multiplyShared(peer, first, triples, x, y) {
  const [a, b, c] = triples.take(x.length);
  const own = [subtract(x, a), subtract(y, b)];
  const theirs = await swap(peer, own);
  const [d, e] = own.map((part, index) => add(part, theirs[index]));
  const product = add(c, add(multiply(d, b), multiply(e, a)));
  return first ? add(product, multiply(d, e)) : product;
}

/** The sum of both shares, through the first owner as in Sequre: it adds up and tells the others. */
export async function reveal({ party, peer, dealer }, share) {
  if (party === 2) {
    await peer.send(bytesOf(share));
    return elementsOf(await peer.receive());
  }
  const sum = add(share, elementsOf(await peer.receive()));
  await Promise.all([peer.send(bytesOf(sum)), dealer.send(bytesOf(sum))]);
  return sum;
}

/** Vectors to the peer, and as many of the same lengths from it. */
async function swap(peer, vectors) {
  const [message] = await Promise.all([peer.receive(), peer.send(...vectors.map(bytesOf))]);
  const elements = elementsOf(message);
  let at = 0;
  const theirs = vectors.map(({ length }) => {
    at += length;
    return elements.subarray(at - length, at);
  });
  if (at !== elements.length) throw new Error(`a message of ${elements.length} elements instead of ${at}`);
  return theirs;
}
