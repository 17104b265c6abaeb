// Which branches of the code an input ran through: Jazzer.js's instrumentor (its loader of ES modules) writes counters into the compiled files
// of the three rooms as they are loaded, and these are read here. Jazzer's own engine is not used: it is a binary that needs a newer C library than
// Debian stable has. To be called before anything that is to be counted is imported.
import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';

/** Branches of everything a decoder can reach, several times over. */
const MAX_COUNTERS = 1 << 17;

export class Coverage {
  /** Told of texts that the code compares its input with. */
  onWord: (word: string) => void = () => {};
  readonly #counters = Buffer.alloc(MAX_COUNTERS);
  readonly #words32 = new Uint32Array(this.#counters.buffer, this.#counters.byteOffset, MAX_COUNTERS >> 2);
  /** Per branch, the classes of counts it was seen with. */
  readonly #seen = new Uint8Array(MAX_COUNTERS);
  /** Bytes that a comparison was after. */
  readonly #bytes = new Uint8Array(256);
  #used = 0;
  #branches = 0;

  /** Begins to instrument what is imported from here on. */
  static instrument(): Coverage {
    const coverage = new Coverage();
    const tracer = {
      traceStrCmp: (a: unknown, b: unknown, operator: string) => {
        if (typeof a === 'string' && typeof b === 'string' && a !== b) coverage.onWord(b);
        return operator.startsWith('!') ? a !== b : a === b;
      },
      traceNumberCmp: (a: number, b: number, operator: string) => {
        if (b >= 0 && b <= 255 && coverage.#bytes[b] === 0) {
          coverage.#bytes[b] = 1;
          coverage.onWord(String.fromCharCode(b));
        }
        return NUMBER_OPERATORS[operator]?.(a, b);
      },
      traceAndReturn: (_current: unknown, target: unknown) => {
        if (typeof target === 'string') coverage.onWord(target);
        return target;
      },
    };
    const coverageTracker = { createModuleCounters: (branches: number) => coverage.#countersOf(branches) };
    Object.assign(globalThis, { Fuzzer: { coverageTracker, tracer }, __jazzer_registerSourceMap: () => {} });
    const loader = createRequire(import.meta.url).resolve('@jazzer.js/instrumentor/dist/esm-loader.mjs');
    const includes = ['/dist/native-free/', '/dist/workers/', '/dist/src/', '/dist/test/fuzz/planted'];
    register(pathToFileURL(loader).href, {
      parentURL: import.meta.url,
      data: { includes, excludes: ['/node_modules/'], coverage: false, seed: 1 },
    });
    return coverage;
  }

  /** Branches seen so far, over all inputs. */
  get branches(): number {
    return this.#branches;
  }

  /** Forgets what ran since the last call. */
  clear(): void {
    this.#counters.fill(0, 0, this.#used);
  }

  /** Whether the code that ran since {@link clear} went somewhere new, or somewhere an order of magnitude more often. */
  takeNews(): boolean {
    let news = false;
    const words = (this.#used + 3) >> 2;
    for (let word = 0; word < words; word += 1) {
      if (this.#words32[word] === 0) continue;
      for (let at = word << 2; at < (word << 2) + 4; at += 1) {
        const count = this.#counters[at] as number;
        if (count === 0) continue;
        const seen = this.#seen[at] as number;
        const kind = CLASS_OF[count] as number;
        if ((seen & kind) !== 0) continue;
        if (seen === 0) this.#branches += 1;
        this.#seen[at] = seen | kind;
        news = true;
      }
      this.#words32[word] = 0;
    }
    return news;
  }

  #countersOf(branches: number): Buffer {
    const start = this.#used;
    this.#used = start + ((branches + 3) & ~3);
    if (this.#used > MAX_COUNTERS) throw new Error('more branches than counters');
    return this.#counters.subarray(start, start + branches);
  }
}

const NUMBER_OPERATORS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '===': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '!==': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
};

/** Counts in classes, one bit each, as AFL has them: 1, 2, 3, 4, 8, 16, 32, 128 and more. */
const CLASS_OF = Uint8Array.from({ length: 256 }, (_, count) => {
  if (count <= 3) return count === 0 ? 0 : 1 << (count - 1);
  return count < 8 ? 8 : count < 16 ? 16 : count < 32 ? 32 : count < 128 ? 64 : 128;
});
