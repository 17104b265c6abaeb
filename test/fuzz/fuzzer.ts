// The loop: an input out of the corpus, changed, put to the decoder, with an eye on time and memory; what reaches new code joins the corpus.
// Whoever watches from outside finds the input under way in a file, should the process end or stand still.
import { writeSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { Random } from '../../native-free/sim/random.js';
import type { Coverage } from './coverage.js';
import type { FuzzDecoder } from './decoder.js';
import { Mutator } from './mutator.js';

const INPUT_MS = 100;
const INPUT_ALLOC_BYTES = 16 * 1024 * 1024;
/** Inputs remembered; beyond it a new one takes the place of a random one. */
const MAX_CORPUS = 2000;
/** The event loop gets its turn this often, ms. */
const BREATH_MS = 200;

export interface FuzzOptions {
  inputs: number;
  seed: number;
  corpus: readonly Uint8Array[];
  /** Without it new inputs are made from the seeds alone. */
  coverage?: Coverage | undefined;
  /** Where the input under way is written, behind its length in 4 bytes. */
  currentFile?: number | undefined;
  /** Called a few times per second. */
  progress?: (done: number) => void;
}

export interface FuzzOutcome {
  done: number;
  seconds: number;
  slowestMs: number;
  branches: number;
  /** Inputs that reached something new. */
  found: Uint8Array[];
}

export class Finding extends Error {
  override readonly name = 'Finding';
  readonly input: Uint8Array;

  constructor(message: string, input: Uint8Array, options?: { cause?: unknown }) {
    super(message, options);
    this.input = input;
  }
}

/** @throws Finding with the input that is at fault */
export async function fuzz(decoder: FuzzDecoder, options: FuzzOptions): Promise<FuzzOutcome> {
  const { inputs, seed, coverage, progress } = options;
  const random = new Random(seed);
  const mutator = new Mutator(random, decoder.maxBytes, decoder.words);
  if (coverage !== undefined) coverage.onWord = (word) => mutator.learn(word);
  const corpus = [...decoder.seeds(), ...options.corpus];
  if (corpus.length === 0) corpus.push(new Uint8Array(0));
  const found: Uint8Array[] = [];
  const trial = new Trial(decoder, options.currentFile);
  const started = performance.now();
  let breathedMs = started;
  let done = 0;
  const tryOne = async (input: Uint8Array): Promise<boolean> => {
    coverage?.clear();
    await trial.run(input);
    done += 1;
    if (performance.now() - breathedMs > BREATH_MS) {
      progress?.(done);
      await new Promise((resolve) => setImmediate(resolve));
      breathedMs = performance.now();
    }
    return coverage?.takeNews() ?? false;
  };
  for (const input of [...corpus]) await tryOne(input.subarray(0, decoder.maxBytes));
  while (done < inputs) {
    // The newest ones are the frontier; the old ones keep the width.
    const recent = random.chance(0.5) ? Math.max(0, corpus.length - 64) : 0;
    const parent = corpus[random.between(recent, corpus.length - 1)] as Uint8Array;
    const input = mutator.mutate(parent, random.pick(corpus));
    if (!(await tryOne(input))) continue;
    found.push(input);
    if (corpus.length < MAX_CORPUS) corpus.push(input);
    else corpus[random.between(0, corpus.length - 1)] = input;
  }
  return { done, seconds: (performance.now() - started) / 1000, slowestMs: trial.slowestMs, branches: coverage?.branches ?? 0, found };
}

/** One decoder, one input after the other. */
class Trial {
  slowestMs = 0;
  readonly #decoder: FuzzDecoder;
  readonly #file: number | undefined;
  readonly #head = Buffer.alloc(4);

  constructor(decoder: FuzzDecoder, file: number | undefined) {
    this.#decoder = decoder;
    this.#file = file;
  }

  async run(input: Uint8Array): Promise<void> {
    if (this.#file !== undefined) {
      this.#head.writeUInt32BE(input.length);
      writeSync(this.#file, this.#head, 0, 4, 0);
      writeSync(this.#file, input, 0, input.length, 4);
    }
    const { inputMs = INPUT_MS, inputAllocBytes = INPUT_ALLOC_BYTES, name } = this.#decoder;
    const beforeBytes = heldBytes();
    let tookMs = await this.#timed(input);
    if (heldBytes() - beforeBytes > inputAllocBytes && (await this.#allocates(input)) > inputAllocBytes)
      throw new Finding(`${name}: one input of ${input.length} bytes allocates more than ${inputAllocBytes} bytes`, input);
    // A busy machine, or the collector's turn, is not the input's fault: it is slow if it takes the processor's time, every time.
    for (let again = 0; tookMs > inputMs / 4 && again < 3; again += 1) {
      const before = process.cpuUsage();
      const againMs = await this.#timed(input);
      const { user, system } = process.cpuUsage(before);
      tookMs = Math.min(tookMs, againMs, (user + system) / 1000);
    }
    if (tookMs > inputMs) throw new Finding(`${name}: one input of ${input.length} bytes takes ${Math.round(tookMs)} ms`, input);
    this.slowestMs = Math.max(this.slowestMs, tookMs);
  }

  async #allocates(input: Uint8Array): Promise<number> {
    let least = Number.POSITIVE_INFINITY;
    for (let again = 0; again < 3; again += 1) {
      const before = heldBytes();
      await this.#timed(input);
      least = Math.min(least, heldBytes() - before);
    }
    return least;
  }

  async #timed(input: Uint8Array): Promise<number> {
    const startMs = performance.now();
    try {
      const pending = this.#decoder.check(input);
      if (pending !== undefined) await pending;
    } catch (error) {
      throw new Finding(`${this.#decoder.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, input, {
        cause: error,
      });
    }
    return performance.now() - startMs;
  }
}

function heldBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}
