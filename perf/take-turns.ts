// Who goes when: repetitions are interleaved, so that a machine that drifts drifts for all. What cannot run here is left out, with the reason; what
// fails in one round is left out from then on, with the reason, instead of ending a run of an hour.
import type { Contender } from './contender.js';

export interface Turns {
  /** Names of what did not take part, and why. */
  skipped: Record<string, string>;
}

export async function takeTurns(
  contenders: readonly Contender[],
  repeat: number,
  talk: (text: string) => void,
  signal: AbortSignal,
  turn: (contender: Contender, round: number) => Promise<void>,
): Promise<Turns> {
  const skipped: Record<string, string> = {};
  for (const contender of contenders) {
    const why = contender.missing();
    if (why !== undefined) skipped[contender.name] = why;
  }
  for (let round = 1; round <= repeat; round++) {
    // Every other round the other way round: who follows whom may matter.
    const order = round % 2 === 1 ? contenders : [...contenders].reverse();
    for (const contender of order) {
      if (skipped[contender.name] !== undefined) continue;
      signal.throwIfAborted();
      try {
        await turn(contender, round);
        talk(`round ${round} of ${repeat}: ${contender.name}`);
      } catch (error) {
        signal.throwIfAborted();
        // Ours not working is no matter of taste.
        if (contender.ours) throw error;
        skipped[contender.name] = (error as Error).message;
        talk(`left out from now on: ${(error as Error).message}`);
      }
    }
  }
  return { skipped };
}
