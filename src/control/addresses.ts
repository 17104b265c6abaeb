// The addresses of this machine, and which of them a peer on another machine may be able to dial. Main thread.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type InterfaceAddress, isLocalOnly } from '../../native-free/index.js';

/** Every address of every interface that is up. */
export function allAddresses(): InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, entries]) =>
    (entries ?? []).map(({ address, internal }) => ({ name, address, internal })),
  );
}

/** @returns the addresses of the interfaces that are up, without loopback, link-local and container networks */
export function interfaceAddresses(): string[] {
  return allAddresses()
    .filter((one) => !one.internal && !isLocalOnly(one))
    .map(({ address }) => address);
}

/** Names of the interfaces that may lead to other machines. */
export function outwardInterfaces(): string[] {
  return [...new Set(allAddresses().flatMap((one) => (one.internal || isLocalOnly(one) ? [] : [one.name])))];
}

/** @returns `host:port` for each address of a name; a literal is one of its own @throws when the name does not resolve */
export async function resolveAddresses(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** `a.b.c.d:port` or `[v6]:port`. */
export function withPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
