// Addresses of ours that a peer on another machine may be able to dial. Main thread.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Interfaces that lead to containers and virtual machines of this host only; peers elsewhere meet a stranger or nobody there. */
const VIRTUAL = /^(docker|br-|veth|virbr|vmnet|vboxnet|cni|flannel|cali|lxc|podman)/;

/** @returns the addresses of the interfaces that are up, without loopback, link-local and container networks */
export function interfaceAddresses(): string[] {
  return Object.entries(networkInterfaces())
    .filter(([name]) => !VIRTUAL.test(name))
    .flatMap(([, entries]) => entries ?? [])
    .filter(({ internal, address }) => !internal && !isLinkLocal(address))
    .map(({ address }) => address);
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

function isLinkLocal(address: string): boolean {
  return address.startsWith('169.254.') || /^fe[89ab]/i.test(address);
}
