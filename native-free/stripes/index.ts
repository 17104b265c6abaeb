// One lane made of several connections: which frame goes over which, and how many there should be.
export { StripedLane, type StripedLaneEvents } from './striped-lane.js';
export { type LaneLook, StripePlan, type Widening } from './widening.js';
