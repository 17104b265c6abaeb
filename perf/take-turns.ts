// Who goes when: repetitions are interleaved, so that a machine that drifts drifts for all, and end early when their time is over. What cannot run here is left out, with the reason; what
// fails in one round is left out from then on, with the reason, instead of ending a run of an hour.
import type { Contender } from './contender.js';
import { type Repetitions, roundsInTime } from './in-time.js';

export interface Turns {
  /** Names of what did not take part, and why. */
  skipped: Record<string, string>;
}

export async function takeTurns(
  contenders: readonly Contender[],
  repetitions: Repetitions,
  talk: (text: string) => void,
  signal: AbortSignal,
  turn: (contender: Contender, round: number) => Promise<void>,
): Promise<Turns> {
  const skipped = unable(contenders);
  for (const round of roundsInTime(repetitions)) await oneRound(contenders, round, skipped, talk, signal, turn);
  return { skipped };
}

/** Names of those that cannot run here, and why. */
export function unable(contenders: readonly Contender[]): Turns['skipped'] {
  return Object.fromEntries(contenders.flatMap(({ name, missing }) => [[name, missing()]]).filter(([, why]) => why !== undefined));
}

/** @param skipped who is left out; whoever fails is added */
export async function oneRound(
  contenders: readonly Contender[],
  round: number,
  skipped: Turns['skipped'],
  talk: (text: string) => void,
  signal: AbortSignal,
  turn: (contender: Contender, round: number) => Promise<void>,
): Promise<void> {
  // Every other round the other way round: who follows whom may matter.
  const order = round % 2 === 1 ? contenders : [...contenders].reverse();
  for (const contender of order) {
    if (skipped[contender.name] !== undefined) continue;
    signal.throwIfAborted();
    try {
      await turn(contender, round);
      talk(`round ${round}: ${contender.name}`);
    } catch (error) {
      signal.throwIfAborted();
      // Ours not working is no matter of taste.
      if (contender.ours) throw error;
      skipped[contender.name] = (error as Error).message;
      talk(`left out from now on: ${(error as Error).message}`);
    }
  }
}
