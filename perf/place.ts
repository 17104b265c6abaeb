// Where a process runs and how others reach it: this machine's loopback, or one end of an emulated wide-area link.
import type { CommandWrapper } from '../src/bench/app-process.js';
import { freePorts } from '../src/bench/ports.js';
import type { WanLink } from './wan-link.js';

export interface Place {
  /** Address that the other place dials. */
  address: string;
  /** Both places are this machine's loopback. */
  loopback: boolean;
  wrap?: CommandWrapper;
  /** A port of `address` that is free. */
  freePort(): Promise<number>;
}

export interface Places {
  /** Where the asking, sending, dialling application is. */
  near: Place;
  /** Where the answering, receiving, listening one is, and the relay. */
  far: Place;
}

const loopback: Place = {
  address: '127.0.0.1',
  loopback: true,
  freePort: async () => (await freePorts(1))[0] as number,
};

export const LOOPBACK: Places = { near: loopback, far: loopback };

/** The namespaces are ours alone: ports are handed out in turn. */
export function placesOf(link: WanLink): Places {
  let nextPort = 20_000;
  const freePort = async (): Promise<number> => nextPort++;
  const place = (address: string, wrap: CommandWrapper): Place => ({ address, loopback: false, wrap, freePort });
  return {
    near: place(link.addressA, (program, args) => link.a.command(program, args)),
    far: place(link.addressB, (program, args) => link.b.command(program, args)),
  };
}
