// A network of hosts, switches and routers, each a network namespace of this test. Invariant: closing the network ends every process in it and
// removes every namespace; links go with the namespaces they end in. Linux, root, iproute2, nft.
import { execFileSync } from 'node:child_process';
import { Namespace, namespacesUnavailable } from '../../perf/namespace.js';

/** @returns why no network can be made here, in words for a person; undefined when one can */
export function networkUnavailable(): string | undefined {
  try {
    execFileSync('nft', ['--version'], { stdio: 'ignore' });
  } catch {
    return 'there is no nft';
  }
  return namespacesUnavailable();
}

export interface Link {
  /** Name of the interface inside the host, e.g. `eth0`. */
  as: string;
  /** With prefix length; any number of them, IPv4 or IPv6. */
  addresses: readonly string[];
  mtuBytes?: number;
}

/**
 * How a router translates. `port-restricted`: one public port per private one, open for whom it was used toward; two such peers reach each
 * other by punching. `symmetric`: another random port for every destination, which nobody can guess. `none`: it routes.
 */
export type Translation = 'none' | 'port-restricted' | 'symmetric';

export interface RouterOptions {
  inside: [through: Namespace, addresses: Link['addresses']];
  outside: [through: Namespace, addresses: Link['addresses']];
  how: Translation;
  outsideMtuBytes?: number;
}

export class Network implements Disposable {
  readonly #namespaces: Namespace[] = [];
  #ports = 0;

  host(label: string): Namespace {
    const namespace = new Namespace(label);
    this.#namespaces.push(namespace);
    return namespace;
  }

  /** A switch to which hosts are plugged. */
  switch(label: string): Namespace {
    const namespace = this.host(label);
    namespace.ip('link', 'add', 'br0', 'type', 'bridge');
    namespace.ip('link', 'set', 'br0', 'up');
    return namespace;
  }

  /** Plugs a host into a switch. Addresses count at once: nobody else could have them. */
  plug(host: Namespace, into: Namespace, { as, addresses, mtuBytes = 1500 }: Link): void {
    const port = `p${this.#ports++}`;
    host.ip('link', 'add', as, 'mtu', String(mtuBytes), 'type', 'veth', 'peer', 'name', port, 'netns', into.name);
    into.ip('link', 'set', port, 'master', 'br0', 'up');
    host.ip('link', 'set', as, 'up');
    for (const address of addresses) host.ip('address', 'add', address, 'dev', as, ...(address.includes(':') ? ['nodad'] : []));
  }

  /**
   * A router between a switch inside and one outside: what comes from outside unasked is dropped, as home routers do.
   * @returns its namespace, with `lan0` and `wan0`
   */
  router(label: string, { inside, outside, how, outsideMtuBytes = 1500 }: RouterOptions): Namespace {
    const router = this.host(label);
    this.plug(router, inside[0], { as: 'lan0', addresses: inside[1] });
    this.plug(router, outside[0], { as: 'wan0', addresses: outside[1], mtuBytes: outsideMtuBytes });
    router.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
    if (how !== 'none') {
      // Without the input chain a punching packet that comes first would be remembered as one for the router itself, and its port taken.
      router.run(
        'nft',
        `table ip nat {
          chain out { type nat hook postrouting priority srcnat; oifname "wan0" masquerade ${how === 'symmetric' ? 'random,fully-random' : ''}; }
          chain forward { type filter hook forward priority filter; policy drop; ct state established,related accept; iifname "lan0" accept; }
          chain input { type filter hook input priority filter; policy drop; ct state established,related accept; iifname "lan0" accept; }
        }`,
      );
    }
    return router;
  }

  /** Drops what a host or router would let through, from now on. @param rule e.g. `meta l4proto udp` */
  block(at: Namespace, hook: 'forward' | 'output' | 'input', rule: string): void {
    at.run('nft', `add table inet block; add chain inet block ${hook} { type filter hook ${hook} priority -10; }`);
    at.run('nft', `add rule inet block ${hook} ${rule} drop`);
  }

  unblock(at: Namespace): void {
    at.run('nft', 'delete table inet block');
  }

  close(): void {
    for (const namespace of this.#namespaces.splice(0).reverse()) namespace.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
