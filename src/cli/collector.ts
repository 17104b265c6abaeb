// How V8 collects in processes of our own. Memory of buffers is counted against a limit that V8 sets after each full collection, as a multiple of what the heap
// held, and young buffers are freed 32 MiB at a time. Our heaps hold 4 to 15 MiB: where the multiple came out low, each 32 MiB in passing began another full
// collection, up to 20 a second of a heap in which nothing had changed, and each brought the next multiple further down: a sixth of the processor time in every
// third run (perf/README.md, "Collections"). With a multiple of five heaps of 8 MiB and more have a limit out of reach of buffers in passing; a heap may grow to that before it is
// collected in full (docs/memory.md). V8 reads this flag when it sets the limit and nowhere else, so that setting it now, before any thread is started, is the
// same as having been started with it. For our own commands only, by importing this first; a program that embeds us decides for itself (docs/tuning.md).
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--heap-growing-percent=400');
