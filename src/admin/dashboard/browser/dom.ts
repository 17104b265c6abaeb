// The little that this page needs on top of the DOM: making elements, writing only what has changed (so that focus, selection and a screen
// reader's place stay), and lists whose rows keep their elements. Text only ever becomes text, never markup.
import type { Tone } from '../view/tone.js';

/** `style` is no attribute to give: the page's policy refuses it. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** @throws Error when the page has no such element */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

export function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setTone(node: HTMLElement, tone: Tone): void {
  if (node.dataset['tone'] !== tone) node.dataset['tone'] = tone;
}

export function setHidden(node: HTMLElement, hidden: boolean): void {
  if (node.hidden !== hidden) node.hidden = hidden;
}

export interface Row<Item> {
  readonly node: HTMLElement;
  update(item: Item): void;
  /** Lets go of what is not in the DOM. */
  remove?(): void;
}

/** The rows of `parent`, one per item, in the items' order. */
export class KeyedList<Item> {
  readonly #parent: HTMLElement;
  readonly #keyOf: (item: Item, index: number) => string;
  readonly #make: (item: Item) => Row<Item>;
  readonly #rows = new Map<string, Row<Item>>();

  /** @param keyOf differs between all items */
  constructor(parent: HTMLElement, keyOf: (item: Item, index: number) => string, make: (item: Item) => Row<Item>) {
    this.#parent = parent;
    this.#keyOf = keyOf;
    this.#make = make;
  }

  update(items: readonly Item[]): void {
    const keys = items.map(this.#keyOf);
    const present = new Set(keys);
    for (const [key, row] of this.#rows) {
      if (present.has(key)) continue;
      row.remove?.();
      row.node.remove();
      this.#rows.delete(key);
    }
    items.forEach((item, index) => {
      const key = keys[index] as string;
      const row = this.#rows.get(key) ?? this.#make(item);
      this.#rows.set(key, row);
      row.update(item);
      const there = this.#parent.children[index];
      if (there !== row.node) this.#parent.insertBefore(row.node, there ?? null);
    });
  }
}
