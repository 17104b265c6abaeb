// The simulator: two channel cores, a bad network and impatient applications, from a seed.

export { Random } from './random.js';
export { drawScenario, type Fault, type FaultKind, type LaneScenario, type Scenario } from './scenario.js';
export { type Outcome, replay, simulate } from './simulate.js';
