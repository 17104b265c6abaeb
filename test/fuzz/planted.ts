// Decoders with known faults, by which the fuzzer itself is tested: each is to be found and named.
import { bytesOf, type FuzzDecoder, hold } from './decoder.js';

const KEPT: Uint8Array[] = [];

export const depth: FuzzDecoder = {
  name: 'planted-depth',
  what: 'fails behind five right bytes, which only whoever sees the branches finds one by one',
  maxBytes: 64,
  seeds: () => [bytesOf('hello')],
  check(input) {
    if (input[0] !== 0x68) return;
    if (input[1] !== 0x75) return;
    if (input[2] !== 0x6e) return;
    if (input[3] !== 0x74) return;
    hold(input[4] !== 0x21, 'nobody says hunt!');
  },
};

export const word: FuzzDecoder = {
  name: 'planted-word',
  what: 'fails on a word that only stands in the code',
  maxBytes: 64,
  seeds: () => [bytesOf('hello')],
  check(input) {
    const text = Buffer.from(input).toString('latin1').slice(0, 11);
    hold(text !== 'open sesame', 'nobody says the word');
  },
};

export const slow: FuzzDecoder = {
  name: 'planted-slow',
  what: 'takes too long on some inputs',
  maxBytes: 64,
  seeds: () => [bytesOf('hello')],
  check(input) {
    if (input[0] !== 0xff) return;
    const before = process.cpuUsage();
    while (process.cpuUsage(before).user < 150_000);
  },
};

export const hang: FuzzDecoder = {
  name: 'planted-hang',
  what: 'never returns on some inputs',
  maxBytes: 64,
  seeds: () => [bytesOf('hello')],
  check(input) {
    while (input[0] === 0xff);
  },
};

export const bomb: FuzzDecoder = {
  name: 'planted-bomb',
  what: 'allocates what the input asks for',
  maxBytes: 64,
  seeds: () => [Uint8Array.of(0, 0, 0, 16)],
  check(input) {
    if (input.length >= 4) KEPT[0] = new Uint8Array(Buffer.from(input).readUInt32BE(0) % 0x0800_0000);
  },
};

export const abort: FuzzDecoder = {
  name: 'planted-abort',
  what: 'ends the process on some inputs, as an addon does',
  maxBytes: 64,
  seeds: () => [bytesOf('hello')],
  check(input) {
    if (input[0] === 0xff) process.abort();
  },
};
