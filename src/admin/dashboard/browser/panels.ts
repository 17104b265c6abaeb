// The rows of the page's plain lists: troubles, threads, what happened.
import type { HappeningView } from '../view/happenings.js';
import type { IpcView } from '../view/ipc.js';
import type { ThreadView } from '../view/overview.js';
import type { Trouble } from '../view/troubles.js';
import { element, type Row, setText, setTone } from './dom.js';

export function troubleRow(): Row<Trouble> {
  const [where, text] = [element('b'), element('span')];
  const node = element('li', {}, where, ' ', text);
  return {
    node,
    update(trouble) {
      setTone(node, trouble.tone);
      setText(where, trouble.where);
      setText(text, trouble.text);
    },
  };
}

export function threadRow(): Row<ThreadView> {
  const name = element('th', { scope: 'row' });
  const bar = element('i', { class: 'bar', 'aria-hidden': 'true' }, element('i'));
  const busy = element('span');
  const cells = [element('td'), element('td'), element('td')] as const;
  const state = element('span', { class: 'pill' });
  const node = element('tr', {}, name, element('td', { class: 'busy' }, bar, busy), ...cells, element('td', {}, state));
  return {
    node,
    update(thread) {
      setText(name, thread.name);
      setText(busy, thread.busyText);
      (bar.firstElementChild as HTMLElement).style.width = `${thread.busy * 100}%`;
      [thread.mean, thread.p99, thread.worst].forEach((text, column) => {
        setText(cells[column] as HTMLElement, text);
      });
      setText(state, thread.state);
      setTone(state, thread.tone);
    },
  };
}

export function ipcRow(): Row<IpcView> {
  const directory = element('th', { scope: 'row' });
  const endpoint = element('td', { class: 'endpoint' });
  const cells = [element('td'), element('td'), element('td'), element('td'), element('td')] as const;
  return {
    node: element('tr', {}, directory, endpoint, ...cells),
    update(one) {
      setText(directory, one.directory);
      setText(endpoint, one.endpoint);
      setTone(endpoint, one.tone);
      [one.consent, one.application, one.waiting, one.fromApplication, one.toApplication].forEach((text, column) => {
        setText(cells[column] as HTMLElement, text);
      });
    },
  };
}

export function happeningRow(): Row<HappeningView> {
  const [clock, what, detail] = [element('time'), element('b'), element('span', { class: 'detail' })];
  const node = element('li', {}, clock, what, detail);
  return {
    node,
    update(event) {
      setTone(node, event.tone);
      setText(clock, event.clock);
      setText(what, event.what);
      setText(detail, event.detail);
    },
  };
}
