export * from './glob.js';
export * from './ruleset.js';
export * from './tree.js';
