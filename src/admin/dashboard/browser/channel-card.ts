// The card of one channel: what carries it and why, how fast, every lane and what stands in its way, plots, figures, sessions.
import type { ChannelReport } from '../../report.js';
import { type ChannelView, channelView, type SessionView } from '../view/channels.js';
import type { LaneView } from '../view/lanes.js';
import { Timeline } from '../view/timeline.js';
import { element, KeyedList, type Row, setHidden, setText, setTone } from './dom.js';
import { ratePlot, roundTripPlot } from './plots.js';

/** With more channels than this, cards begin closed. */
const OPEN_CARDS = 3;

export interface ChannelItem {
  channel: ChannelReport;
  nowMs: number;
  index: number;
}

export class ChannelCard implements Row<ChannelItem> {
  readonly node: HTMLDetailsElement;
  readonly #timeline = new Timeline();
  readonly #rates = ratePlot('Rates');
  readonly #trips = roundTripPlot('Round trip');
  readonly #name = element('span', { class: 'name' });
  readonly #peer = element('span', { class: 'peer' });
  readonly #place = element('span', { class: 'place' });
  readonly #lane = element('span', { class: 'pill lane' });
  readonly #since = element('span', { class: 'since' });
  readonly #speed = element('span', { class: 'speed' });
  readonly #why = element('p', { class: 'why' });
  readonly #ladder = element('ol', { class: 'ladder', 'aria-label': 'Lanes, best first' });
  readonly #facts = element('dl', { class: 'facts' });
  readonly #sessions = element('tbody');
  readonly #sessionsTitle = element('summary');
  readonly #lanes = new KeyedList<LaneView>(this.#ladder, ({ name }) => name, laneRow);
  readonly #factRows = new KeyedList<readonly [string, string]>(this.#facts, ([label]) => label, factRow);
  readonly #sessionRows = new KeyedList<SessionView>(this.#sessions, ({ sid }) => sid, sessionRow);

  constructor({ index }: ChannelItem) {
    const head = element(
      'tr',
      {},
      ...['direction, peer', 'state', 'lanes', 'session'].map((title) => element('th', { scope: 'col' }, title)),
    );
    const table = element('table', {}, element('thead', {}, head), this.#sessions);
    const sessions = element('details', { class: 'sessions' }, this.#sessionsTitle, element('div', { class: 'scroll' }, table));
    const title = element('h3', {}, this.#name, ' ', this.#peer);
    const carries = element('span', { class: 'carries' }, this.#lane, this.#since);
    const summary = element('summary', {}, title, carries, this.#speed, this.#place);
    this.node = element('details', { class: 'card channel' }, summary, this.#why, this.#ladder);
    this.node.append(element('div', { class: 'plots' }, this.#rates.node, this.#trips.node), this.#facts, sessions);
    this.node.open = index < OPEN_CARDS;
    this.node.addEventListener('toggle', () => this.#draw());
  }

  update({ channel, nowMs }: ChannelItem): void {
    this.#timeline.add(channel, nowMs);
    const view = channelView(channel, nowMs);
    this.node.dataset['channel'] = view.name;
    this.#head(view);
    setText(this.#why, `why ${view.carrier.word}: ${view.carrier.why}`);
    setHidden(this.#why, view.carrier.why === '');
    this.#lanes.update(view.lanes);
    this.#factRows.update(view.facts);
    this.#sessionRows.update(view.sessions);
    setText(this.#sessionsTitle, `Sessions (${view.sessions.length})`);
    this.#draw();
  }

  remove(): void {
    this.#rates.remove();
    this.#trips.remove();
  }

  #head({ name, peer, place, carrier, since, out, in: received, roundTrip }: ChannelView): void {
    setText(this.#name, name);
    setText(this.#peer, peer);
    setText(this.#place, place);
    setText(this.#lane, carrier.word);
    setTone(this.#lane, carrier.tone);
    setText(this.#since, since === '' ? '' : `for ${since}`);
    setText(this.#speed, `out ${out} · in ${received} · round trip ${roundTrip}`);
  }

  #draw(): void {
    if (!this.node.open) return;
    const { atSeconds, out, received, roundTripMs } = this.#timeline.columns;
    this.#rates.update([atSeconds, out, received], this.#timeline.laneChanges);
    this.#trips.update([atSeconds, roundTripMs], this.#timeline.laneChanges);
  }
}

function laneRow(): Row<LaneView> {
  const name = element('b');
  const state = element('span', { class: 'state' });
  const reason = element('span', { class: 'reason' });
  const node = element('li', {}, element('span', { class: 'lane-head' }, name, state), reason);
  return {
    node,
    update(lane) {
      setTone(node, lane.tone);
      setText(name, lane.name);
      setText(state, lane.state);
      setText(reason, lane.reason);
    },
  };
}

function factRow(): Row<readonly [string, string]> {
  const [label, value] = [element('dt'), element('dd')];
  return {
    node: element('div', {}, label, value),
    update([name, text]) {
      setText(label, name);
      setText(value, text);
    },
  };
}

function sessionRow(): Row<SessionView> {
  const cells = [element('td'), element('td'), element('td'), element('td', { class: 'id' })] as const;
  return {
    node: element('tr', {}, ...cells),
    update({ who, state, lanes, sid }) {
      [who, state, lanes, sid].forEach((text, column) => {
        setText(cells[column] as HTMLElement, text);
      });
    },
  };
}
