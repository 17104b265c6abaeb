// One page of everything that was kept last: plots and tables, readable by someone who was not there, offline, by day and by night. uPlot is part of the page.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BENCHES } from './benches/index.js';
import { boundWords, provenanceWords, type Verdict, verdicts } from './goals.js';
import { PLOTS_SCRIPT, type Plot, plotsOf } from './report-plots.js';
import { REPORT_STYLE } from './report-style.js';
import { keptResults, newestOf, type PerfResult } from './results.js';
import { number, provenance, spread, type Table, tablesOf } from './tables.js';

/** What each benchmark is about, for a reader who has not seen it run. */
const ABOUT: Readonly<Record<string, string>> = {
  burst:
    'Bulk. The same two applications send a checked stream through each contender, one after the other, in every repetition. “plain TCP” is what these applications do without any tunnel: nothing can be faster. Higher is better; processor time is that of the tunnel’s own processes.',
  keyswap: 'The heavy phase of a Syqure run: 7.5 MiB one way, then 7.5 MiB back, 142 times, strictly in turns. Lower is better.',
  pingpong:
    'A message goes there, one of the same size comes back, and only then the next leaves. Lower is better; p99 is what one round in a hundred exceeds.',
  nagle:
    'An application writes an 8-byte length and then a body, without TCP_NODELAY, and waits for the answer. The kernel holds the second write back until the first is acknowledged, and puts that off by 40 ms; an end that acknowledges at once avoids it. Lower is better.',
  channels:
    'Many channels (or, for the others, many connections through one tunnel) at once. Memory is what one more idle channel with a live session takes in one daemon.',
  wan: 'Long and lossy links, emulated between two network namespaces; what arrived within a fixed time. Higher is better.',
  setup: 'The first round of 64 bytes on a way just set up, and on its second connection. Lower is better.',
  micro: 'Small parts of the byte path, each against the obvious version of itself, on one thread. Lower is better.',
  threads:
    'Whose processor time a WebRTC burst is, thread by thread. Sending goes through the addon on the thread that calls it, in a bare pair as well: what ours add is what their JavaScript threads take beyond the one of a bare pair at the same rate.',
  acks: 'What acknowledgements, credit and loss repair cost between two hotlinks.',
};

/** @throws Error when nothing was kept */
export async function writeReport(out: string): Promise<void> {
  const order = [...BENCHES.map(([name]) => name), 'acks'];
  const kept = await keptResults();
  const results = newestOf(kept).sort((a, b) => order.indexOf(a.bench) - order.indexOf(b.bench));
  if (results.length === 0) throw new Error('perf/results holds nothing yet: run a benchmark first, for example `npm run perf -- burst`');
  await mkdir(dirname(out), { recursive: true });
  await writeFile(out, await page(results, verdicts(kept)));
}

export async function page(results: readonly PerfResult[], goals: readonly Verdict[]): Promise<string> {
  const uplot = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  const [script, style] = await Promise.all(
    ['uPlot.iife.min.js', 'uPlot.min.css'].map((file) => readFile(join(uplot, 'dist', file), 'utf8')),
  );
  const plots: Plot[] = [];
  const sections = results.map((result) => section(result, plots));
  // In a script element only its own end and a comment could end it early.
  const data = JSON.stringify(plots).replaceAll('<', '\\u003c');
  const contents = [{ bench: 'goals' }, ...results].map(({ bench }) => `<a href="#${html(bench)}">${html(bench)}</a>`).join(' ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>hotlink: measurements</title>
<style>${style}${REPORT_STYLE}</style>
</head>
<body>
<header>
<h1>hotlink: measurements</h1>
<p>Every benchmark runs its contenders in turns, several times over, so that a machine that drifts drifts for all of them. Compare rows of one table;
absolute figures belong to the machine and the hour. A figure is the median, in brackets the lowest and the highest sample. Every byte was checked.</p>
<nav>${contents}</nav>
</header>
<main>
${goalsSection(goals)}
${sections.join('\n')}
</main>
<script>${script}</script>
<script>const PLOTS = ${data};${PLOTS_SCRIPT}</script>
</body>
</html>
`;
}

/** What was to be reached, against the newest result that knows of each. */
function goalsSection(goals: readonly Verdict[]): string {
  const rows = goals.map(({ what, bound, unit, state, figure, command, ...from }) => {
    const cells = [boundWords(bound, unit), figure === undefined ? '' : `${number(figure)} ${unit}`, state];
    const source = figure === undefined ? command : provenanceWords(from);
    return `<tr><th scope="row">${html(what)}</th>${[...cells, source].map((cell) => `<td>${html(cell)}</td>`).join('')}</tr>`;
  });
  return `<section id="goals">
<h2>goals</h2>
<p>What was to be reached, and the newest figure there is. A short run is one whose figure says little; a line that was not measured names its command.</p>
<div class="wide"><table><thead><tr><th></th><th scope="col">goal</th><th scope="col">newest</th><th scope="col"></th><th scope="col">from</th></tr></thead>
<tbody>${rows.join('')}</tbody></table></div>
</section>`;
}

function section(result: PerfResult, plots: Plot[]): string {
  const { bench, ratios, skipped = {} } = result;
  const tables = tablesOf(result);
  const drawn = plotsOf(bench, tables);
  const figures = drawn.map((plot) => {
    plots.push(plot);
    return `<figure><figcaption>${html(plot.title)}</figcaption><div class="plot" data-plot="${plots.length - 1}"></div></figure>`;
  });
  const ratioRows = Object.entries(ratios).map(
    ([name, value]) => `<tr><th scope="row">${html(name)}</th><td>${value.toFixed(2)}</td></tr>`,
  );
  const missing = Object.entries(skipped).map(([name, why]) => `<li>${html(name)}: ${html(why)}</li>`);
  return `<section id="${html(bench)}">
<h2>${html(bench)}</h2>
<p>${html(ABOUT[bench] ?? '')}</p>
${figures.join('\n')}
${tables.map((table) => tableHtml(table, provenance(result))).join('\n')}
${ratioRows.length === 0 ? '' : `<h3>Ratios of medians</h3><div class="wide"><table><tbody>${ratioRows.join('')}</tbody></table></div><p class="from">${html(provenance(result))}</p>`}
${missing.length === 0 ? '' : `<h3>Not measured</h3><ul>${missing.join('')}</ul>`}
</section>`;
}

function tableHtml({ title, columns, rows }: Table, from: string): string {
  const head = columns.map(
    ({ metric, unit }) => `<th scope="col">${html(metric === '' || metric === unit ? unit : `${metric}, ${unit}`)}</th>`,
  );
  const body = rows.map(({ name, cells }) => {
    const ours = name.startsWith('hotlink') || name.startsWith('ours') ? ' class="ours"' : '';
    return `<tr${ours}><th scope="row">${html(name)}</th>${cells.map((cell) => `<td>${cell === undefined ? '' : html(spread(cell))}</td>`).join('')}</tr>`;
  });
  return `<h3>${html(title)}</h3>
<div class="wide"><table><thead><tr><th></th>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>
<p class="from">${html(from)}</p>`;
}

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
