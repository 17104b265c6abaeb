// What a run did: time and bytes of each phase. A phase's time includes waiting for the others, since nobody can go on without them.
export class Phases {
  #links = [];
  #told;
  rows = [];

  /** @param told hears of each phase as it begins */
  constructor(told) {
    this.#told = told;
  }

  watch(links) {
    this.#links = links;
  }

  async run(phase, work) {
    this.#told(phase);
    const [sent, received] = this.#bytes();
    const began = performance.now();
    const result = await work();
    const ms = Number((performance.now() - began).toFixed(1));
    const [sentNow, receivedNow] = this.#bytes();
    this.rows.push({ phase, ms, sentBytes: sentNow - sent, receivedBytes: receivedNow - received });
    return result;
  }

  table() {
    const cells = [
      ['phase', 'ms', 'sent', 'received'],
      ...this.rows.map(({ phase, ms, sentBytes, receivedBytes }) => [
        phase,
        ...[ms, sentBytes, receivedBytes].map((n) => n.toLocaleString('en')),
      ]),
    ];
    const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
    return cells
      .map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  '))
      .join('\n');
  }

  #bytes() {
    return ['sentBytes', 'receivedBytes'].map((what) => this.#links.reduce((sum, link) => sum + link[what], 0));
  }
}
