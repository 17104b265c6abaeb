// The bytes between two parties: an application on each side sending to the other at once. The test looks at what arrived so far, lets it go on
// while it changes the network, and asks for the digests at the end.
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '../support/sandbox.js';
import type { Report } from './application.js';
import type { Party } from './scene.js';

const APPLICATION = fileURLToPath(new URL('./application.js', import.meta.url));
/** Slow enough that two cores carry several labs at once, fast enough that a lane change meets bytes in flight. */
const BYTES_PER_SECOND = 1_000_000;
const END_MS = 30_000;

export class Flow {
  readonly #children: ChildProcess[];
  readonly #reports: [Report, Report] = [
    { sentBytes: 0, receivedBytes: 0 },
    { sentBytes: 0, receivedBytes: 0 },
  ];

  constructor(parties: readonly [Party, Party], bytesPerSecond = BYTES_PER_SECOND) {
    this.#children = parties.map((party, index) => {
      const child = party.host.spawn(process.execPath, [APPLICATION, String(party.port), String(bytesPerSecond)], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        this.#reports[index as 0 | 1] = JSON.parse(line);
      });
      return child;
    });
  }

  get receivedBytes(): [number, number] {
    return [this.#reports[0].receivedBytes, this.#reports[1].receivedBytes];
  }

  /** Resolves when each side has received this much more than now. */
  async goesOn(bytes = 300_000, ms = 30_000): Promise<void> {
    const before = this.receivedBytes;
    await until(
      `${bytes} more bytes arrive on both sides`,
      () => this.receivedBytes.every((now, side) => now >= before[side]! + bytes),
      ms,
    );
  }

  /** Both applications end their streams. @returns what is wrong; empty when every byte arrived, in order */
  async finish(): Promise<string[]> {
    for (const child of this.#children) child.stdin?.write('stop\n');
    try {
      await until('both applications are through', () => this.#reports.every(({ over }) => over !== undefined), END_MS);
    } catch (error) {
      return [`${(error as Error).message}; received ${this.receivedBytes}`];
    }
    const [a, b] = this.#reports;
    const faults = [a, b].flatMap(({ over }, side) => (over?.how === 'ended' ? [] : [`side ${side} was ${over?.how}`]));
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      if (from.sentBytes !== to.receivedBytes) faults.push(`${from.sentBytes} bytes were sent, ${to.receivedBytes} arrived`);
      if (from.over?.sentSha256 !== to.over?.receivedSha256) faults.push('the digests differ');
      if (from.sentBytes === 0) faults.push('nothing was sent');
    }
    return faults;
  }
}
