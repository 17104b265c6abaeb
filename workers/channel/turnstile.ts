// How many peer connections of a thread come up at once: the others wait their turn. With 256 at a time the offerer hears of an answer only after the answerer
// has begun its checks, ICE comes up within the call that sets the description, and one connection in a few hundred fails (workers/README.md, "A lost
// second at session setup"). A place is given back by `leave`, or after `patienceMs`: nobody waits for a peer that does not answer. Channel worker.

/** As many as were seen to come up together without a failure, in half a second. */
const PLACES = 32;
/** Ten times what a connection takes; a path that takes longer than this needs no turn, ms. */
const PATIENCE_MS = 1000;

/** One who waits, or is inside. */
export interface Turn {
  /** Once. */
  enter(): void;
  /** Makes room for the next; one that waited is not called any more. Idempotent. */
  leave(): void;
}

export class Turnstile {
  readonly #places: number;
  readonly #patienceMs: number;
  /** With what ends their patience. */
  readonly #inside = new Map<Turn, NodeJS.Timeout>();
  /** In the order they came, with what they are to begin. */
  readonly #waiting = new Map<Turn, () => void>();

  constructor(places = PLACES, patienceMs = PATIENCE_MS) {
    this.#places = places;
    this.#patienceMs = patienceMs;
  }

  /** @param begin called by {@link Turn.enter}, or later, when there is a place */
  turn(begin: () => void): Turn {
    const turn: Turn = {
      enter: () => {
        this.#waiting.set(turn, begin);
        this.#next();
      },
      leave: () => {
        this.#waiting.delete(turn);
        clearTimeout(this.#inside.get(turn));
        if (this.#inside.delete(turn)) this.#next();
      },
    };
    return turn;
  }

  #next(): void {
    for (const [turn, begin] of this.#waiting) {
      if (this.#inside.size >= this.#places) return;
      this.#waiting.delete(turn);
      this.#inside.set(turn, setTimeout(() => turn.leave(), this.#patienceMs).unref());
      begin();
    }
  }
}

/** This thread's. */
export const comingUp = new Turnstile();
