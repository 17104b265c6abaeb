// How V8 collects in processes of our own. A process that passes gigabytes through buffers of 16 to 250 KiB counts them as memory in use until its young
// objects are collected next; with 64 MiB of them V8 begins to mark its whole heap step by step, which keeps it from collecting the young ones, so that
// the next 64 MiB begin the next round: 20 to 30 collections a second of a heap in which nothing had changed, a quarter of the relay's processor time
// (perf/README.md). Without steps it collects the young, and marks in one go where that is ever needed: some milliseconds, heaps are small here.
// Set for our own commands only, by importing this first; a program that embeds us decides for itself (docs/tuning.md).
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--no-incremental-marking');
