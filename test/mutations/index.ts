// Every defence that has a proof, in the order of wire.md 11.
import { GO } from './go.js';
import type { Mutation } from './mutation.js';
import { RELAY } from './relay.js';
import { RULES } from './rules.js';
import { RUST } from './rust.js';
import { SERVER } from './server.js';

export const MUTATIONS: readonly Mutation[] = [...SERVER, ...RELAY, ...GO, ...RUST, ...RULES];
