// Samples of one thing measured several times, and what to say about them.

export interface Series {
  name: string;
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

/** Middle value, or the mean of the two middle ones, to a tenth. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const value = sorted.length % 2 === 1 ? sorted[Math.floor(half)]! : (sorted[half - 1]! + sorted[half]!) / 2;
  return Math.round(value * 10) / 10;
}
