// The channel over which a peer is pinged when there is no other: no application at either end, only the core that answers. Both sides
// derive it from their e-mails. A daemon answers on it those peers that it has a channel with, and nobody else. Main thread.

import { inboundKeys, type Marker } from '../../native-free/index.js';
import { type ForwardPlan, planForward } from '../forward.js';

const NAME = 'hotlink-ping';

export function pingPlan(self: string, peer: string): ForwardPlan {
  const plan = planForward(self, { peer, name: NAME, listen: '127.0.0.1:0' });
  return { ...plan, shape: { kind: 'program', silent: true } };
}

/** @returns the channel that a peer's Open of `path` asks to be pinged on; undefined when it asks for something else */
export function pingMarker(self: string, peer: string, path: string): Marker | undefined {
  // Cheap words first: every Open of an unknown path comes by here.
  if (!path.includes(`/${NAME}/`)) return undefined;
  const { marker } = pingPlan(self, peer);
  return new Set(inboundKeys(marker)).has(path) ? marker : undefined;
}

export function pingId(peer: string): string {
  return `ping ${peer}`;
}
