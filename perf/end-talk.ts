// The child's side of end-process.ts: its argument, what it says, what it is told. An end whose parent is gone leaves.
import { createInterface } from 'node:readline';
import type { EndMessage } from './end-process.js';

export function endArguments<A>(): A {
  return JSON.parse(process.argv[2] ?? '{}') as A;
}

export function say(message: EndMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** @param leave what is to be done before this process leaves, when its parent is gone */
export function onTold(handle: (message: EndMessage) => void, leave: () => void = () => process.exit()): void {
  createInterface({ input: process.stdin })
    .on('line', (line) => handle(JSON.parse(line) as EndMessage))
    .on('close', leave);
}
