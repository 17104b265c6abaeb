#!/usr/bin/env node
// Entry of the `hotlink` command.
import './collector.js';
import { run } from './program.js';

/** Everything was drained by now; should a handle be left all the same, it must not hold the shell. */
const LINGER_MS = 2000;

process.exitCode = await run(process.argv.slice(2));
setTimeout(() => process.exit(), LINGER_MS).unref();
