// Options that no type checker has seen: what cannot be meant is refused by name, before anything starts.
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createHotlink, type HotlinkOptions } from '../../src/index.js';
import { attachRelay, startRelay } from '../../src/relay/index.js';

const good = { email: 'alice@example.com', server: 'http://127.0.0.1:1' };

describe('createHotlink refuses', () => {
  it.each<[string, object, RegExp]>([
    ['a lane that there is not', { ...good, lanes: ['quic'] }, /^lanes: "quic" is not one of direct, webrtc, relay$/],
    ['no lane at all', { ...good, lanes: [] }, /^lanes: \[\] is not a list/],
    ['a number that is a word', { ...good, windowBytes: 'x' }, /^windowBytes: "x" is not a whole number from 1 on$/],
    ['no thread', { ...good, threads: 0 }, /^threads: 0 is not/],
    ['half a millisecond', { ...good, fallbackGraceMs: 0.5 }, /^fallbackGraceMs: 0.5 is not a whole number from 0 on$/],
    ['an unknown word', { ...good, seal: 'yes' }, /^seal: "yes" is not one of auto, require, off$/],
    ['another word than auto', { ...good, mtu: 'large' }, /^mtu: "large" is not a whole number from 1 on, or "auto"$/],
    ['no identity', { server: good.server }, /^email: /],
    ['a number for a server', { ...good, server: 3 }, /^server: 3 is not the address/],
    ['a word for an identity that is none', { ...good, email: 5 }, /^email: 5 is not an e-mail address$/],
    ['an option that there is not', { ...good, strcit: true }, /^strcit: there is no such option; is strict meant\?$/],
    ['the one that is needed, misspelt', { server: good.server, emial: good.email }, /^emial: there is no such option; is email meant\?$/],
    [
      'a thread that there is not',
      { ...good, workers: { chanel: 1 } },
      /^workers\.chanel: there is no such option; is workers\.channel meant\?$/,
    ],
    ['one that is like no other', { ...good, color: 'blue' }, /^color: there is no such option$/],
    ['one that is no word', { ...good, 'a\n\u001b[2J': 1 }, /^"a\\n\\u001b\[2J": there is no such option$/],
    ['one that is very long', { ...good, ['x'.repeat(1_000_000)]: 1 }, /^a string: there is no such option$/],
    ['a switch that is a word', { ...good, p2pOnly: 'false' }, /^p2pOnly: "false" is not true or false$/],
    ['no number', { ...good, threads: Number('many') }, /^threads: NaN is not a whole number/],
    ['nothing for a number', { ...good, threads: null }, /^threads: null is not a whole number/],
    ['an object that contains itself', { ...good, threads: globalThis }, /^threads: an object is not a whole number/],
    ['a lane that is none', { ...good, lanes: [undefined] }, /^lanes: undefined is not one of/],
    [
      'a server that is no URL',
      { ...good, iceServers: [{ credential: 'secret' }] },
      /^iceServers: an object in the list is not a URL, a string$/,
    ],
    [
      'servers in one string, without showing it',
      { ...good, iceServers: 'turn:u:p@h' },
      /^iceServers: a string is not a list of URLs or a function$/,
    ],
    ['a token that is a number, without showing it', { ...good, token: 4711 }, /^token: a number is not a string$/],
    ['a password that is a number, without showing it', { ...good, turnPass: 4711 }, /^turnPass: a number is not a string$/],
    ['a user that is a number, without showing it', { ...good, turnUser: 4711 }, /^turnUser: a number is not a string$/],
    ['a long word, without showing it', { ...good, identity: 'k'.repeat(41) }, /^identity: a string is not one of off, pin, require$/],
    [
      'signaling that is an address',
      { email: good.email, signaling: 'nats://u:p@h' },
      /^signaling: a string is not an object with connect\(\), send\(\), close\(\)$/,
    ],
    [
      'a log that lacks a level',
      { ...good, log: { info: () => {} } },
      /^log: an object is not an object with debug\(\), info\(\), warn\(\), error\(\)$/,
    ],
    ['a signal that is none', { ...good, signal: {} }, /^signal: an object is not an object with addEventListener\(\)$/],
    ['a clock that stands still', { ...good, clock: { nowMs: 1 } }, /^clock: an object is not/],
    ['a filter that cannot be called', { ...good, addressFilter: {} }, /^addressFilter: an object is not a function$/],
  ])('%s', (_what, options, message) => {
    expect(() => createHotlink(options as HotlinkOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_HLNK_CONFIG', message: expect.stringMatching(message) }),
    );
  });

  it('nothing in place of options', () => {
    expect(() => createHotlink(undefined as unknown as HotlinkOptions)).toThrow(/takes an object/);
  });
});

const refusal = (code: string, message: RegExp) => expect.objectContaining({ code, message: expect.stringMatching(message) });
const call = { peer: 'bob@example.com', name: 'x' };

describe('a data plane refuses, before it asks anybody,', () => {
  const link = createHotlink(good);

  it.each<[string, (options: object) => Promise<unknown>, object, RegExp]>([
    [
      'an option that forward does not have',
      (options) => link.forward(options as never),
      { listen: '127.0.0.1:0', rendezvos: true },
      /^rendezvos: .*is rendezvous meant\?$/,
    ],
    [
      'an option that connect does not have',
      (options) => link.connect(options as never),
      { highwatermark: 1 },
      /^highwatermark: .*is highWaterMark meant\?$/,
    ],
    [
      'an option that ping does not have',
      (options) => link.ping(options as never),
      { timeout: 1 },
      /^timeout: there is no such option; is timeoutMs meant\?$/,
    ],
    [
      'an option that events does not have',
      async (options) => link.events(options as never),
      { abort: 1, peer: undefined, name: undefined },
      /^abort: there is no such option$/,
    ],
    [
      'an option that profile does not have',
      (options) => link.profile(options as never),
      { ms: 1, peer: undefined, name: undefined },
      /^ms: there is no such option$/,
    ],
    ['no time for a profile', () => link.profile({} as never), {}, /^milliseconds: /],
    ['an endless profile', () => link.profile({ milliseconds: Number.POSITIVE_INFINITY }), {}, /^milliseconds: /],
    ['a word in place of options of forward', () => link.forward('x' as never), {}, /^forward takes an object$/],
    ['nothing in place of options of connect', () => link.connect(undefined as never), {}, /^connect takes an object$/],
    ['a list in place of options of ping', () => link.ping([] as never), {}, /^ping takes an object$/],
  ])('%s', async (_what, ask, options, message) => {
    await expect(ask({ ...call, ...options })).rejects.toThrow(refusal('ERR_HLNK_USAGE', message));
  });
});

describe('a relay refuses', () => {
  const listen = '127.0.0.1:0';

  it.each<[string, object, RegExp]>([
    ['a secret whose name is misspelt', { authsecret: 's' }, /^authsecret: there is no such option; is authSecret meant\?$/],
    ['a path, which is for one in another server', { path: '/hotlink' }, /^path: there is no such option$/],
    ['a limit', { limits: { maxClient: 1 } }, /^limits\.maxClient: there is no such option/],
    ['a key', { tls: { certFile: 'a', keyfile: 'b' } }, /^tls\.keyfile: .*is tls\.keyFile meant\?$/],
    ['a server in place of a cluster', { cluster: 'nats://u:p@127.0.0.1:1' }, /^cluster takes an object$/],
    ['a cluster', { cluster: { servers: 'nats://127.0.0.1:1', silenceMS: 1000 } }, /^cluster\.silenceMS: .*is cluster\.silenceMs meant\?$/],
  ])('%s', async (_what, options, message) => {
    await expect(startRelay({ listen, ...options } as never)).rejects.toThrow(refusal('ERR_HLNK_CONFIG', message));
  });

  it('in a server of the program: a place to listen', async () => {
    await expect(attachRelay(createServer(), { listen } as never)).rejects.toThrow(
      refusal('ERR_HLNK_CONFIG', /^listen: there is no such option$/),
    );
  });
});

it('takes what the types allow, zeros and autos included', () => {
  expect(() => createHotlink({ ...good, mtu: 'auto', stripes: 2, fallbackGraceMs: 0, lanes: ['relay'], seal: 'require' })).not.toThrow();
  expect(() => createHotlink({ ...good, iceServers: () => ({ urls: [] }), signal: AbortSignal.timeout(1000), log: console })).not.toThrow();
  expect(() => createHotlink(Object.freeze({ ...good, iceServers: Object.freeze(['stun:127.0.0.1']) }))).not.toThrow();
  const log = Object.assign(() => {}, { debug() {}, info() {}, warn() {}, error() {} });
  const signaling = Object.assign(() => {}, { connect() {}, send() {}, close() {} });
  expect(() => createHotlink({ email: good.email, signaling, log })).not.toThrow();
  const unset = { token: undefined, colour: undefined };
  expect(() => createHotlink({ ...good, ...unset } as unknown as HotlinkOptions)).not.toThrow();
});

it.each(['localhost:8080', 'ftp://127.0.0.1:1', 'nonsense'])(
  '%s is no relay address, which is told at once or with the start',
  async (server) => {
    await expect((async () => createHotlink({ ...good, server }).start())()).rejects.toMatchObject({ code: 'ERR_HLNK_CONFIG' });
  },
);
