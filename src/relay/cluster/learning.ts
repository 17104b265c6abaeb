// How a process comes to know what the others of its cluster know, before it serves anybody.
// Invariant: a rule that was taken away and acknowledged anywhere is never applied here: whoever could change one has spoken, and from then on
// waits for this process with every change.
import type { Mesh } from './mesh.js';
import type { Neighbour } from './neighbour.js';

/** Processes that are there answer a beat at once; this long one waits for the first of them. */
const DISCOVER_MS = 1000;
/** Everything is told within this, or one starts over. */
const LEARN_MS = 30_000;
const RETRY_MS = 100;

export class Learning {
  private readonly mesh: Mesh;
  private readonly neighbours: ReadonlyMap<string, Neighbour>;
  private onLook: () => void = () => {};
  private abandoned = false;

  constructor(mesh: Mesh, neighbours: ReadonlyMap<string, Neighbour>) {
    this.mesh = mesh;
    this.neighbours = neighbours;
  }

  /**
   * @param isBlank this process has no rules of its own that might be older than others'
   * @returns whether everything is known; otherwise try again
   */
  async attempt(isBlank: boolean): Promise<boolean> {
    await this.mesh.echoed();
    const { self } = this.mesh;
    await this.heard(DISCOVER_MS, () => this.neighbours.size > 0);
    const isComplete = await this.heard(LEARN_MS, () => this.isComplete());
    // Nobody who may act is silent for longer than the lease; until then its rules may be newer than ours.
    if (!isBlank && !this.isTaught()) await this.heard(this.mesh.quietMs, () => this.isTaught());
    const knows = isComplete && this.isComplete() && self === this.mesh.self && this.mesh.isCurrent(performance.now());
    if (!knows) await this.heard(RETRY_MS, () => false);
    return knows;
  }

  /** A neighbour came, went, or has said everything. */
  look(): void {
    this.onLook();
  }

  abandon(): void {
    this.abandoned = true;
    this.onLook();
  }

  /** Every process that is there, as far as anybody says, has told us everything; from then on each tells us of every change. */
  private isComplete(): boolean {
    return [...this.neighbours.values()].every(
      ({ ready, members }) =>
        ready !== false && members.every((id) => this.neighbours.has(id) || id === this.mesh.self || this.mesh.isGone(id)),
    );
  }

  /** Somebody who knew everything has told us. */
  private isTaught(): boolean {
    return [...this.neighbours.values()].some(({ ready }) => ready === 'serving');
  }

  /** @returns whether the condition came about in time */
  private heard(ms: number, condition: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.onLook = () => {};
        resolve(condition());
      };
      const timer = setTimeout(end, ms);
      this.onLook = () => {
        if (this.abandoned || condition()) end();
      };
      this.onLook();
    });
  }
}
