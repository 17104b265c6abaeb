// Options that no type checker has seen: what cannot be meant is refused by name, before anything starts.
import { describe, expect, it } from 'vitest';
import { createHotlink, type HotlinkOptions } from '../../src/index.js';

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
    ['an option that there is not', { ...good, strcit: true }, /^strcit: there is no such option; is strict meant\?$/],
    ['one that is like no other', { ...good, color: 'blue' }, /^color: there is no such option$/],
    ['a switch that is a word', { ...good, p2pOnly: 'false' }, /^p2pOnly: "false" is not true or false$/],
    [
      'a list with something else than URLs, without showing it',
      { ...good, iceServers: [{ credential: 'secret' }] },
      /^iceServers: a list is not a list of strings, each a URL, or a function$/,
    ],
    ['an object that contains itself', { ...good, threads: globalThis }, /^threads: an object is not a whole number/],
    ['a token that is a number, without showing it', { ...good, token: 4711 }, /^token: a number is not a string$/],
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

it('takes what the types allow, zeros and autos included', () => {
  expect(() => createHotlink({ ...good, mtu: 'auto', stripes: 2, fallbackGraceMs: 0, lanes: ['relay'], seal: 'require' })).not.toThrow();
  expect(() => createHotlink({ ...good, iceServers: () => ({ urls: [] }), signal: AbortSignal.timeout(1000), log: console })).not.toThrow();
  expect(() => createHotlink({ ...good, iceServers: [], token: undefined } as unknown as HotlinkOptions)).not.toThrow();
});

it.each(['localhost:8080', 'ftp://127.0.0.1:1', 'nonsense'])(
  '%s is no relay address, which is told at once or with the start',
  async (server) => {
    await expect((async () => createHotlink({ ...good, server }).start())()).rejects.toMatchObject({ code: 'ERR_HLNK_CONFIG' });
  },
);
