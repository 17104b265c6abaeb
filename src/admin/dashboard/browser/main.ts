// The dashboard in the browser: what the feed brings is turned into views and put into the page, and what a person who does not see the
// page must hear (another lane, the relay, the daemon gone) is said in one live region.
import { durationText } from '../../../quantities.js';
import type { DaemonReport } from '../../report.js';
import { Happenings, type HappeningView } from '../view/happenings.js';
import { type IpcView, ipcView } from '../view/ipc.js';
import { overview, type ThreadView, threadView, totalRates } from '../view/overview.js';
import { Timeline } from '../view/timeline.js';
import { type Trouble, troubles } from '../view/troubles.js';
import { ChannelCard, type ChannelItem } from './channel-card.js';
import { byId, KeyedList, setHidden, setText, setTone } from './dom.js';
import { follow } from './feed.js';
import { happeningRow, ipcRow, threadRow, troubleRow } from './panels.js';
import { ratePlot } from './plots.js';

/** A report is due every second; a daemon that is later than this stands still or is out of reach, ms. */
const SILENT_MS = 4000;

const troubleList = new KeyedList<Trouble>(byId('troubles'), (_trouble, index) => String(index), troubleRow);
const channelList = new KeyedList<ChannelItem>(
  byId('channels'),
  ({ channel }) => channel.key,
  (item) => new ChannelCard(item),
);
const ipcList = new KeyedList<IpcView>(byId('ipc'), ({ directory }) => directory, ipcRow);
const threadList = new KeyedList<ThreadView>(byId('threads'), ({ name }) => name, threadRow);
const happeningList = new KeyedList<HappeningView>(byId('happenings'), ({ id }) => String(id), happeningRow);
const happenings = new Happenings();
const totals = ratePlot('All channels');
byId('total-plot').append(totals.node);
const filter = byId('filter') as HTMLInputElement;

let before: DaemonReport | undefined;
let timeline = new Timeline();
let heardAtMs = performance.now();
let lostWhy: string | undefined;
let refused = false;
let happeningsDue = false;

function show(report: DaemonReport): void {
  heardAtMs = performance.now();
  lostWhy = undefined;
  if (before !== undefined && before.startedMs !== report.startedMs) begin();
  const view = overview(report, before);
  for (const [id, text] of [
    ['email', view.email],
    ['relay-state', `relay ${view.relay.state}`],
    ['relay-detail', view.relay.detail],
    ['out', view.out],
    ['in', view.in],
    ['channel-count', view.channels],
    ['round-trip', view.roundTrip],
    ['memory', view.memory],
    ['processor', view.processor],
    ['about', view.about],
  ] as const)
    setText(byId(id), text);
  setTone(byId('relay-state'), view.relay.tone);
  const found = troubles(report);
  troubleList.update(found);
  setText(byId('trouble-count'), found.length === 0 ? 'Nothing stands in the way.' : '');
  document.title = `${found.length === 0 ? '' : `(${found.length}) `}${report.email} · hotlink`;
  channelList.update(report.channels.map((channel, index) => ({ channel, nowMs: report.nowMs, index })));
  setHidden(byId('no-channels'), report.channels.length > 0);
  ipcList.update(report.ipc.map(ipcView));
  setHidden(byId('ipc-section'), report.ipc.length === 0);
  threadList.update(report.threads.map(threadView));
  showTotals(report);
  announce(report);
  before = report;
  showConnection();
}

function showTotals(report: DaemonReport): void {
  const [out, received] = totalRates(report);
  timeline.add(
    { rates: { txBytesPerSecond: out, rxBytesPerSecond: received, idleSinceMs: 0, history: totalHistory(report) } },
    report.nowMs,
  );
  const { columns } = timeline;
  totals.update([columns.atSeconds, columns.out, columns.received]);
}

/** The last minute of all channels together; channels of different age end at the same moment. */
function totalHistory({ channels }: DaemonReport): { txBytesPerSecond: number[]; rxBytesPerSecond: number[]; rttMs: number[] } {
  const sum = (pick: 'txBytesPerSecond' | 'rxBytesPerSecond'): number[] => {
    const all = channels.map(({ rates }) => rates?.history[pick] ?? []);
    const longest = Math.max(0, ...all.map(({ length }) => length));
    return Array.from({ length: longest }, (_, index) =>
      all.reduce((total, values) => total + (values[values.length - longest + index] ?? 0), 0),
    );
  };
  return { txBytesPerSecond: sum('txBytesPerSecond'), rxBytesPerSecond: sum('rxBytesPerSecond'), rttMs: [] };
}

function announce(report: DaemonReport): void {
  if (before === undefined) return;
  const said: string[] = [];
  if (before.relay.state !== report.relay.state) said.push(`The relay is ${report.relay.state}.`);
  for (const { key, name, peer, lane } of report.channels) {
    const was = before.channels.find((channel) => channel.key === key);
    if (was !== undefined && was.lane !== lane) said.push(`${name} with ${peer} is carried by ${lane ?? 'no lane'} now.`);
  }
  if (said.length > 0) setText(byId('announcer'), said.join(' '));
}

/** A new life of the daemon: what was drawn belongs to the one before. */
function begin(): void {
  timeline = new Timeline();
  channelList.update([]);
}

/** After a whole batch: a new connection brings everything that is kept at once. */
function showHappeningsSoon(): void {
  if (happeningsDue) return;
  happeningsDue = true;
  queueMicrotask(showHappenings);
}

function showHappenings(): void {
  happeningsDue = false;
  const shown = happenings.matching(filter.value);
  happeningList.update(shown);
  setText(
    byId('no-happenings'),
    shown.length > 0 ? '' : filter.value === '' ? 'Nothing has happened yet.' : 'Nothing that contains these words.',
  );
}

function showConnection(): void {
  const silentMs = performance.now() - heardAtMs;
  const silent = refused || lostWhy !== undefined || silentMs > SILENT_MS;
  const banner = byId('connection');
  setHidden(banner, !silent);
  document.body.classList.toggle('stale', silent);
  if (refused) setText(banner, 'The daemon asks for its token. Run “hotlink dashboard” where it runs, and open the URL that it prints.');
  else if (silent)
    setText(
      banner,
      `No word from the daemon for ${durationText(Math.round(silentMs / 1000) * 1000)}${lostWhy === undefined ? '' : ` (${lostWhy})`}. What is shown is what it said last; it is being asked again.`,
    );
}

filter.addEventListener('input', showHappenings);
setInterval(showConnection, 1000);
showHappenings();
void follow({
  connected: () => happenings.clear(),
  report: show,
  happening(event) {
    happenings.add(event);
    showHappeningsSoon();
  },
  lost(why) {
    lostWhy = why;
    showConnection();
  },
  refused() {
    refused = true;
    showConnection();
  },
});
