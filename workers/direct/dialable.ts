// Which of a peer's addresses are dialled. The list is the peer's word, so it must not make us knock at doors that only we can reach: this
// machine's own services, a cloud's metadata address, a whole network by broadcast. Private networks stay: peers live there. Channel worker.

import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Addresses that no other machine has, or that are more than one machine's. */
const nobodys = new BlockList();
nobodys.addSubnet('0.0.0.0', 8, 'ipv4');
nobodys.addSubnet('169.254.0.0', 16, 'ipv4');
nobodys.addSubnet('224.0.0.0', 3, 'ipv4');
nobodys.addAddress('::', 'ipv6');
nobodys.addSubnet('fe80::', 10, 'ipv6');
nobodys.addSubnet('ff00::', 8, 'ipv6');

/**
 * @param host as the peer wrote it; an IPv4 address in IPv6 clothes counts as what it is
 * @param sameHost the peer shares our loopback: then nothing else is dialled
 */
export function isDialable(host: string, sameHost: boolean): boolean {
  const version = isIP(host);
  if (version === 0) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  return loopback.check(host, family) ? sameHost : !sameHost && !nobodys.check(host, family);
}
