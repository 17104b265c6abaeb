// What is drawn of a benchmark's tables, and the script that draws it in the page with uPlot: bars for one column, lines where groups have an order
// (message sizes, numbers of channels, loss).
import type { Table } from './tables.js';

export interface Plot {
  kind: 'bars' | 'lines';
  title: string;
  unit: string;
  /** Names along the bottom. */
  along: string[];
  /** One per line; bars have one. */
  lines: { name: string; values: (number | null)[] }[];
  /** The vertical axis is logarithmic. */
  log: boolean;
}

/** Column that is drawn of each benchmark, and whether its tables are points along a line. */
const DRAWN: Readonly<Record<string, { metrics: readonly string[]; along: boolean; log: boolean }>> = {
  burst: { metrics: ['MiB/s'], along: false, log: false },
  keyswap: { metrics: ['seconds for all'], along: false, log: true },
  pingpong: { metrics: ['p50', 'p99'], along: true, log: true },
  threads: { metrics: ['% of its process', 'beyond a bare pair at the same rate'], along: false, log: false },
  nagle: { metrics: ['p50'], along: false, log: true },
  channels: { metrics: ['MiB/s', 'idle MiB a channel'], along: true, log: false },
  wan: { metrics: ['MiB/s'], along: true, log: true },
  setup: { metrics: ['first connection', 'second connection'], along: false, log: true },
  micro: { metrics: ['mean'], along: false, log: true },
};

export function plotsOf(bench: string, tables: readonly Table[]): Plot[] {
  const drawn = DRAWN[bench];
  if (drawn === undefined) return [];
  const { metrics, along, log } = drawn;
  if (!along) return tables.flatMap((table) => metrics.flatMap((metric) => bars(table, metric, log)));
  // Links of one rate and delay make a plot, with loss along the bottom; otherwise all tables do.
  const families = new Map<string, Table[]>();
  for (const table of tables) {
    const family = bench === 'wan' ? table.title.replace(/, [^,]*loss$/, '') : '';
    families.set(family, [...(families.get(family) ?? []), table]);
  }
  return [...families].flatMap(([family, members]) => metrics.flatMap((metric) => lines(family, members, metric, log)));
}

function bars(table: Table, metric: string, log: boolean): Plot[] {
  const column = table.columns.findIndex((one) => one.metric === metric);
  const rows = table.rows.filter(({ cells }) => cells[column] !== undefined);
  if (column < 0 || rows.length === 0) return [];
  const { unit } = table.columns[column]!;
  const values = rows.map(({ cells }) => cells[column]!.median);
  const title = metric === unit ? table.title : `${table.title}: ${metric}`;
  return [{ kind: 'bars', title, unit, along: rows.map(({ name }) => name), lines: [{ name: metric, values }], log }];
}

function lines(family: string, tables: readonly Table[], metric: string, log: boolean): Plot[] {
  const names = [...new Set(tables.flatMap(({ rows }) => rows.map(({ name }) => name)))];
  const medianOf = (table: Table, name: string): number | null => {
    const column = table.columns.findIndex((one) => one.metric === metric);
    return table.rows.find((row) => row.name === name)?.cells[column]?.median ?? null;
  };
  const drawn = names
    .map((name) => ({ name, values: tables.map((table) => medianOf(table, name)) }))
    .filter(({ values }) => values.some((value) => value !== null));
  const unit = tables.flatMap(({ columns }) => columns).find((one) => one.metric === metric)?.unit ?? '';
  if (drawn.length === 0) return [];
  const title = [family, metric].filter(Boolean).join(': ');
  const along = tables.map((table) => (family === '' ? table.title : table.title.slice(family.length + 2)));
  return [
    { kind: along.length > 1 ? 'lines' : 'bars', title, unit, ...(along.length > 1 ? { along, lines: drawn } : oneEach(drawn)), log },
  ];
}

/** A family of one table is bars. */
function oneEach(drawn: readonly { name: string; values: (number | null)[] }[]): Pick<Plot, 'along' | 'lines'> {
  return { along: drawn.map(({ name }) => name), lines: [{ name: 'median', values: drawn.map(({ values }) => values[0] ?? null) }] };
}

/** Runs in the page. */
export const PLOTS_SCRIPT = `
const colours = () => { const s = getComputedStyle(document.documentElement); return { get: (n) => s.getPropertyValue(n).trim() }; };
const short = (v) => v === null || v === undefined ? '' : Math.abs(v) >= 100 ? v.toFixed(0) : Math.abs(v) >= 1 ? String(+v.toFixed(1)) : String(+v.toFixed(3));
function draw() {
  const c = colours();
  const ink = c.get('--ink'), grid = c.get('--line');
  for (const place of document.querySelectorAll('.plot')) {
    place.replaceChildren();
    const plot = PLOTS[Number(place.dataset.plot)];
    const x = plot.along.map((_, i) => i);
    const bars = plot.kind === 'bars';
    const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid } };
    const cut = (t) => t.length > 22 ? t.slice(0, 21) + '…' : t;
    const label = (i) => { const t = plot.along[i]; return t === undefined ? '' : bars ? t.split(/, | (?=\\()/).map(cut).join('\\n') : t; };
    new uPlot({
      width: Math.min(980, place.clientWidth || 900), height: bars ? 300 : 340,
      scales: { x: { time: false, range: [-0.6, x.length - 0.4] }, y: plot.log ? { distr: 3 } : { range: (u, lo, hi) => [0, hi * 1.1 || 1] } },
      legend: { show: !bars },
      cursor: { show: !bars, drag: { x: false, y: false } },
      axes: [
        { ...axis, grid: { show: false }, splits: () => x, values: (u, s) => s.map(label), size: bars ? 70 : 40, rotate: bars ? -20 : 0, font: '11px system-ui' },
        { ...axis, label: plot.unit, size: 64, values: (u, s) => s.map((v) => v === null ? '' : short(v)) },
      ],
      series: [
        { label: '', value: (u, v) => plot.along[v] ?? '' },
        ...plot.lines.map((line, i) => bars
          ? { label: line.name, stroke: c.get('--c0'), fill: c.get('--c0'), paths: uPlot.paths.bars({ size: [0.55, 60] }), points: { show: false } }
          : { label: line.name, stroke: c.get('--c' + i % 10), width: line.name.startsWith('hotlink') ? 2.5 : 1.3, dash: line.name.startsWith('hotlink') ? undefined : [6, 4],
              spanGaps: true, points: { size: 6 }, value: (u, v) => v === null || v === undefined ? '' : short(v) + ' ' + plot.unit }),
      ],
      hooks: bars ? { draw: [(u) => {
        const g = u.ctx; g.save(); g.fillStyle = ink; g.font = 11 * devicePixelRatio + 'px system-ui'; g.textAlign = 'center';
        plot.lines[0].values.forEach((v, i) => { if (v !== null) g.fillText(short(v), u.valToPos(i, 'x', true), u.valToPos(v, 'y', true) - 5 * devicePixelRatio); });
        g.restore();
      }] } : {},
    }, [x, ...plot.lines.map((line) => line.values)], place);
  }
}
draw();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
`;
