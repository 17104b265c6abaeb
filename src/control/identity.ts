// Who we are to peers, in our message ids: which machine and which run. A peer that finds its own machine in an id knows, before a
// connection is configured, that the path is a loopback one and takes large datagrams. Main thread.

import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';

/**
 * Eight hex digits that are the same for every process that shares this machine's loopback interface and no other: a hash of the boot
 * and of the network namespace, so that containers and namespaces count as machines of their own. Says nothing about the machine.
 */
export function hostId(): string {
  const facts = [read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')), read(() => readlinkSync('/proc/self/ns/net'))];
  if (facts[0] === '') {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((entry) => entry.mac));
    facts.push(hostname(), addresses.sort().join());
  }
  return createHash('sha256')
    .update(`hotlink host ${facts.join(' ')}`)
    .digest('hex')
    .slice(0, 8);
}

/** A fresh name for one run of a channel: a peer that sees another one knows that everything it had was lost. */
export function newEpoch(): string {
  return randomBytes(4).toString('hex');
}

function read(get: () => string): string {
  try {
    return get().trim();
  } catch {
    return '';
  }
}
