// The two kinds of plot there are: rates in both directions, and round trips.
import { bytesText, durationText } from '../../../quantities.js';
import { LivePlot } from './plot.js';

/** Bytes are read in powers of two. */
const BYTE_STEPS = Array.from({ length: 45 }, (_, power) => 2 ** power);
/** 0.01 ms to some minutes: 1, 2 and 5 times powers of ten. */
const TIME_STEPS = Array.from({ length: 8 }, (_, power) => [1, 2, 5].map((factor) => factor * 10 ** (power - 2))).flat();

export function ratePlot(title: string): LivePlot {
  return new LivePlot({
    title,
    lines: [
      { label: 'out', colour: 'out' },
      { label: 'in', colour: 'in', dashed: true },
    ],
    text: (value) => `${bytesText(value)}/s`,
    steps: BYTE_STEPS,
    leastTop: 1024,
  });
}

export function roundTripPlot(title: string): LivePlot {
  return new LivePlot({ title, lines: [{ label: 'last', colour: 'trip' }], text: durationText, steps: TIME_STEPS, leastTop: 1 });
}
