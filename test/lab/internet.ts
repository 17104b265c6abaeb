// The network most stories start from: a small internet with the relay on it, and homes behind routers of one kind or another. Addresses are those
// reserved for documentation; nothing of it is connected to anything.
import type { Namespace } from '../../perf/namespace.js';
import { Network, type Translation } from './network.js';
import type { SceneOptions } from './scene.js';

export const RELAY_ADDRESS = '203.0.113.1';
/** Of the relay, as the daemons are told. Port 443, since that is what strict networks let out. */
export const SERVER = `http://${RELAY_ADDRESS}:443`;
export const RELAY_LISTEN = `${RELAY_ADDRESS}:443`;
export const RELAY_STUN = ['--stun', `${RELAY_ADDRESS}:3478`] as const;
export const TURN_ADDRESS = '203.0.113.2';
/** Takes what is for nowhere and says nothing, as the real one does. A host without a route gets an error instead, for which coturn ends the session. */
const NOWHERE = '203.0.113.254';

export interface Home {
  host: Namespace;
  router: Namespace;
}

export class Internet implements Disposable {
  readonly network = new Network();
  readonly backbone: Namespace;
  readonly relay: Namespace;
  #homes = 0;

  constructor() {
    try {
      this.backbone = this.network.switch('net');
      this.backbone.ip('address', 'add', `${NOWHERE}/24`, 'dev', 'br0');
      this.backbone.run('sh', '-c', 'echo 0 > /proc/sys/net/ipv4/ip_forward');
      this.relay = this.#public('relay', RELAY_ADDRESS);
    } catch (error) {
      this.network.close();
      throw error;
    }
  }

  /** A host with an address of its own. */
  #public(label: string, address: string): Namespace {
    const host = this.network.host(label);
    this.network.plug(host, this.backbone, { as: 'eth0', addresses: [`${address}/24`] });
    host.ip('route', 'add', 'default', 'via', NOWHERE);
    return host;
  }

  turn(): Namespace {
    return this.#public('turn', TURN_ADDRESS);
  }

  /** A host with a public address. */
  server(label: string): Namespace {
    return this.#public(label, `203.0.113.${100 + this.#homes++}`);
  }

  /** A host behind a router. Every home has a network of its own: 192.168.1.0/24, 192.168.2.0/24 and so on, the host at .2. */
  home(label: string, how: Translation, outsideMtuBytes?: number): Home {
    const number = ++this.#homes;
    const lan = this.network.switch(`${label}-lan`);
    const router = this.network.router(`${label}-nat`, {
      inside: [lan, [`192.168.${number}.1/24`]],
      outside: [this.backbone, [`203.0.113.${10 + number}/24`]],
      how,
      ...(outsideMtuBytes === undefined ? {} : { outsideMtuBytes }),
    });
    router.ip('route', 'add', 'default', 'via', NOWHERE);
    const host = this.network.host(label);
    this.network.plug(host, lan, { as: 'eth0', addresses: [`192.168.${number}.2/24`] });
    host.ip('route', 'add', 'default', 'via', `192.168.${number}.1`);
    return { host, router };
  }

  close(): void {
    this.network.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A relay and two hosts on one LAN without any IPv4. */
export class Internet6 implements Disposable {
  readonly alice: Namespace;
  readonly bob: Namespace;
  /** For the scene. */
  readonly options: Pick<SceneOptions, 'relay' | 'server'>;
  readonly #network = new Network();

  constructor() {
    try {
      const lan = this.#network.switch('net6');
      const plugged = (label: string, address: string): Namespace => {
        const host = this.#network.host(label);
        this.#network.plug(host, lan, { as: 'eth0', addresses: [address] });
        return host;
      };
      const relay = plugged('relay', '2001:db8::1/64');
      this.alice = plugged('alice', '2001:db8::2/64');
      this.bob = plugged('bob', '2001:db8::3/64');
      const args = ['--stun', '[2001:db8::1]:3478'];
      this.options = { relay: { host: relay, listen: '[2001:db8::1]:443', args }, server: 'http://[2001:db8::1]:443' };
    } catch (error) {
      this.#network.close();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#network.close();
  }
}
