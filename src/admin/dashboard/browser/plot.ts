// One live plot over time (uPlot), in the page's colours, as wide as its place, with its latest values (or those under the pointer) as text
// beside it, which is also what a screen reader gets.
import type UPlot from 'uplot';
import type { LaneChange } from '../view/timeline.js';
import { element, setText } from './dom.js';

const HEIGHT_PX = 132;
/** Seconds between two times on the axis. */
const CLOCK_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300];

export interface PlotLine {
  label: string;
  /** Name of the custom property that holds its colour. */
  colour: string;
  dashed?: boolean;
}

export interface PlotSpec {
  title: string;
  lines: readonly PlotLine[];
  /** Value with its unit. */
  text: (value: number) => string;
  /** Steps that an axis may be divided in. */
  steps: readonly number[];
  /** Top of the axis while all values are smaller. */
  leastTop: number;
}

type Data = readonly [number[], ...(number | null)[][]];

export class LivePlot {
  readonly node: HTMLElement;
  readonly #spec: PlotSpec;
  readonly #place = element('div', { class: 'plot', role: 'img' });
  readonly #readings: HTMLElement[] = [];
  readonly #when = element('span', { class: 'when' });
  readonly #resized: ResizeObserver;
  readonly #dark = matchMedia('(prefers-color-scheme: dark)');
  readonly #recolour = (): void => this.#build();
  #plot: UPlot | undefined;
  #data: Data = [[]];
  #changes: readonly LaneChange[] = [];

  constructor(spec: PlotSpec) {
    this.#spec = spec;
    const readings = spec.lines.map(({ label, colour, dashed }) => {
      const value = element('b', {}, '–');
      this.#readings.push(value);
      const swatch = element('i', { class: `swatch ${colour}${dashed ? ' dashed' : ''}`, 'aria-hidden': 'true' });
      return element('span', { class: 'reading' }, swatch, `${label} `, value);
    });
    const caption = element('figcaption', {}, element('span', { class: 'plot-title' }, spec.title), ...readings, this.#when);
    this.node = element('figure', {}, caption, this.#place);
    this.#resized = new ResizeObserver(() => this.#fit());
    this.#resized.observe(this.#place);
    this.#dark.addEventListener('change', this.#recolour);
  }

  update(data: Data, changes: readonly LaneChange[] = []): void {
    this.#data = data;
    this.#changes = changes;
    if (this.#plot === undefined) this.#build();
    else this.#plot.setData(data as UPlot.AlignedData);
    this.#read(undefined);
  }

  remove(): void {
    this.#resized.disconnect();
    this.#dark.removeEventListener('change', this.#recolour);
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  #fit(): void {
    const width = this.#place.clientWidth;
    if (width === 0) return;
    if (this.#plot === undefined) this.#build();
    else if (this.#plot.width !== width) this.#plot.setSize({ width, height: HEIGHT_PX });
  }

  #build(): void {
    const width = this.#place.clientWidth;
    this.#plot?.destroy();
    this.#plot = undefined;
    // In a card that is closed there is no room to draw in.
    if (width === 0 || this.#data[0].length === 0) return;
    const colours = getComputedStyle(this.#place);
    const colour = (name: string): string => colours.getPropertyValue(`--${name}`).trim();
    const { lines, text, steps, leastTop } = this.#spec;
    const axis = {
      stroke: colour('muted'),
      font: '11px system-ui, sans-serif',
      grid: { stroke: colour('line'), width: 1 },
      ticks: { show: false },
    };
    this.#plot = new globalThis.uPlot(
      {
        width,
        height: HEIGHT_PX,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
        scales: { y: { range: (_plot, _least, most) => [0, Math.max(leastTop, (most ?? 0) * 1.1)] } },
        axes: [
          { ...axis, space: 80, size: 24, incrs: CLOCK_STEPS, values: (_plot, splits) => splits.map(clockText) },
          {
            ...axis,
            size: 74,
            space: 34,
            incrs: [...steps],
            values: (_plot, splits) => splits.map((value) => (value === 0 ? '0' : text(value))),
          },
        ],
        series: [
          {},
          ...lines.map(({ label, colour: name, dashed }) => ({
            label,
            stroke: colour(name),
            width: 1.75,
            points: { show: false },
            ...(dashed ? { dash: [5, 3] } : { fill: `${colour(name)}1f` }),
          })),
        ],
        hooks: {
          setCursor: [(plot) => this.#read(plot.cursor.idx ?? undefined)],
          draw: [(plot) => this.#drawChanges(plot, colour('muted'))],
        },
      },
      this.#data as UPlot.AlignedData,
      this.#place,
    );
  }

  /** Where the lane changed: a line, and the new lane's name beside it. */
  #drawChanges(plot: UPlot, colour: string): void {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.fillStyle = colour;
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    for (const { atSeconds, lane } of this.#changes) {
      const x = Math.round(plot.valToPos(atSeconds, 'x', true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const room = bbox.left + bbox.width - x > 60 * ratio;
      ctx.textAlign = room ? 'left' : 'right';
      ctx.fillText(lane, x + (room ? 4 : -4) * ratio, bbox.top + 10 * ratio);
    }
    ctx.restore();
  }

  /** @param index what to read off; undefined: the latest */
  #read(index: number | undefined): void {
    const [at, ...columns] = this.#data;
    const which = index ?? at.length - 1;
    const values = columns.map((column) => column[which]);
    const texts = values.map((value) => (value === null || value === undefined ? '–' : this.#spec.text(value)));
    texts.forEach((text, line) => {
      setText(this.#readings[line] as HTMLElement, text);
    });
    setText(this.#when, index === undefined ? '' : clockText(at[index] as number));
    const now = this.#spec.lines.map(({ label }, line) => `${label} ${texts[line]}`).join(', ');
    this.#place.setAttribute('aria-label', `${this.#spec.title}, plot of the last minutes; ${index === undefined ? 'now' : 'then'} ${now}`);
  }
}

function clockText(atSeconds: number): string {
  const at = new Date(atSeconds * 1000);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}
