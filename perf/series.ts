// Samples of one thing measured several times, and what to say about them.

export interface Series {
  /** The table it belongs to; none for a benchmark with one. */
  group?: string;
  /** Who: its row. */
  name: string;
  /** What was measured: its column; none where there is one. */
  metric?: string;
  unit: string;
  samples: number[];
  median: number;
  min: number;
  max: number;
}

/** @param samples at least one */
export function series(name: string, unit: string, samples: readonly number[]): Series {
  return { name, unit, samples: [...samples], median: median(samples), min: Math.min(...samples), max: Math.max(...samples) };
}

/** Middle value, or the mean of the two middle ones; to a tenth, small values to three digits. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return rounded(sorted.length % 2 === 1 ? sorted[Math.floor(half)]! : (sorted[half - 1]! + sorted[half]!) / 2);
}

export function rounded(value: number): number {
  const step = Math.abs(value) < 10 ? 1000 : 10;
  return Math.round(value * step) / step;
}

/** Collects samples of many series in whatever order they come: repetitions are interleaved. */
export class Recorder {
  readonly #samples = new Map<string, { group: string; name: string; metric: string; unit: string; samples: number[] }>();

  add(group: string, name: string, metric: string, unit: string, value: number): void {
    const key = JSON.stringify([group, name, metric]);
    const entry = this.#samples.get(key) ?? { group, name, metric, unit, samples: [] };
    entry.samples.push(rounded(value));
    this.#samples.set(key, entry);
  }

  /** The median of one series so far; NaN when it has no sample. */
  median(group: string, name: string, metric: string): number {
    const entry = this.#samples.get(JSON.stringify([group, name, metric]));
    return entry === undefined ? Number.NaN : median(entry.samples);
  }

  /** One median by another, to two digits; nothing when either is missing. */
  ratio(group: string, metric: string, name: string, other: string): Record<string, number> {
    const value = this.median(group, name, metric) / this.median(group, other, metric);
    return Number.isFinite(value) ? { [`${group}: ${name} / ${other}, ${metric}`]: Math.round(value * 100) / 100 } : {};
  }

  get series(): Series[] {
    return [...this.#samples.values()].map(({ group, name, metric, unit, samples }) => ({ group, metric, ...series(name, unit, samples) }));
  }
}
