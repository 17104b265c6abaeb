// One directory with a local IPC endpoint, as its row shows it. Pure; runs in the browser.
import type { IpcStatus } from '../../../status.js';
import type { Tone } from './tone.js';

export interface IpcView {
  directory: string;
  /** Where it listens, or why it does not. */
  endpoint: string;
  tone: Tone;
  consent: string;
  application: string;
  waiting: string;
  fromApplication: string;
  toApplication: string;
}

export function ipcView({ directory, address, listening, problem, consent, counters }: IpcStatus): IpcView {
  return {
    directory,
    endpoint: listening ? address : (problem ?? 'does not listen yet'),
    tone: listening ? 'quiet' : 'bad',
    consent: consent ? 'given' : 'not given',
    application: counters.applications > 0 ? 'connected' : 'away',
    waiting: `${counters.waitingFrames} frames`,
    fromApplication: `${counters.framesFromApplication} frames`,
    toApplication: `${counters.framesToApplication} frames`,
  };
}
