// What a program tells a relay of its cluster, and is told. Types only.
import type { RelayOptions } from '../options.js';
import type { RelayStats } from '../running.js';

/** Which processes are one cluster, and how they reach each other. */
export type ClusterOptions = NonNullable<RelayOptions['cluster']>;

/** What one process of a cluster knows of the others. */
export type ClusterStats = NonNullable<RelayStats['cluster']>;
