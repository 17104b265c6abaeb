// From where a client comes, and how many come from there. A trusted proxy's word counts for who is behind it, nobody else's.
// Invariant: an address is counted as long as its connections last and not longer.
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { HotlinkError } from '../../native-free/errors.js';

export class TrustedProxies {
  private readonly list = new BlockList();

  /**
   * @param entries addresses and networks (`10.0.0.0/8`)
   * @throws HotlinkError ERR_HLNK_CONFIG for one that is neither
   */
  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const [address = '', prefix] = entry.split('/');
      const family = isIP(address);
      const bits = prefix === undefined ? undefined : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
      const longest = family === 4 ? 32 : 128;
      if (family === 0 || (bits !== undefined && !(bits >= 0 && bits <= longest)))
        throw new HotlinkError('ERR_HLNK_CONFIG', `the trusted proxy "${entry}" is no address and no network such as 10.0.0.0/8`);
      const kind = family === 4 ? 'ipv4' : 'ipv6';
      if (bits === undefined) this.list.addAddress(address, kind);
      else this.list.addSubnet(address, bits, kind);
    }
  }

  has(address: string): boolean {
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && this.list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  }

  /** The address of a request's client: of those its proxies name, the last one that is no proxy of ours. */
  clientOf(request: IncomingMessage): string {
    let address = plainAddress(request.socket.remoteAddress ?? '');
    const named = String(request.headers['x-forwarded-for'] ?? '').split(',');
    while (this.has(address)) {
      const before = plainAddress((named.pop() ?? '').trim());
      if (isIP(before) === 0) break;
      address = before;
    }
    return address;
  }
}

/** How many there are per address; IPv6 by /64, which one customer has whole. */
export class AddressCount {
  private readonly counts = new Map<string, number>();

  of(address: string): number {
    return this.counts.get(groupOf(address)) ?? 0;
  }

  add(address: string): void {
    this.counts.set(groupOf(address), this.of(address) + 1);
  }

  remove(address: string): void {
    const left = this.of(address) - 1;
    if (left > 0) this.counts.set(groupOf(address), left);
    else this.counts.delete(groupOf(address));
  }

  get size(): number {
    return this.counts.size;
  }
}

/** A dual-stack socket shows IPv4 clients as `::ffff:a.b.c.d`. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

function groupOf(address: string): string {
  const plain = plainAddress(address);
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  const groups = [...left, ...zeros, ...right].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
