// Which host candidates are not worth a check: addresses of container and virtual machine bridges, which lead nowhere from another machine (and,
// being the same on every machine with such a bridge, lead to the wrong one), and link-local ones. Where nothing else exists they are all there is, and none is
// refused. Candidates that STUN or TURN found are never refused. Pure.

/** One address of one interface, as the operating system lists them. */
export interface InterfaceAddress {
  name: string;
  address: string;
  /** Loopback. */
  internal: boolean;
}

/** Names that container and VM software gives its bridges. `br-` alone would take a router's own bridge with it. */
const BRIDGE = /^(docker\d*|br-[0-9a-f]{12}|veth.*|virbr\d.*|lxcbr\d+|lxdbr\d+|cni.*|podman\d*|flannel.*|cali.*|vmnet\d+|vboxnet\d+)$/;
const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:)/i;

/** @returns true for an address that only reaches this machine's own containers, or no further than the cable */
export function isLocalOnly({ name, address }: InterfaceAddress): boolean {
  return BRIDGE.test(name) || LINK_LOCAL.test(address);
}

export class CandidateFilter {
  readonly #bridges: ReadonlySet<string>;
  readonly #on: boolean;

  /** @param addresses of this machine, all of them @param on false: refuses nothing */
  constructor(addresses: readonly InterfaceAddress[], on: boolean) {
    const outer = addresses.filter(({ internal }) => !internal);
    this.#on = on && outer.some((one) => !isLocalOnly(one));
    this.#bridges = new Set(outer.filter(isLocalOnly).map(({ address }) => address.toLowerCase()));
  }

  /** @param candidate with or without `a=` and `candidate:`; ours or the peer's (one of the peer's that is also ours would lead back here) */
  refuses(candidate: string): boolean {
    if (!this.#on) return false;
    const [, , , , address = '', , , kind] = candidate.replace(/^a=/, '').split(' ');
    return kind === 'host' && (LINK_LOCAL.test(address) || this.#bridges.has(address.toLowerCase()));
  }

  /** A description without the candidates that are refused. */
  strip(sdp: string): string {
    if (!this.#on) return sdp;
    return sdp.replace(/^a=candidate:[^\r\n]*\r?\n/gm, (line) => (this.refuses(line.trim()) ? '' : line));
  }
}
