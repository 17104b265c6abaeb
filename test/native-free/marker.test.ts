import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Marker, parseHostPort, parseMarker } from '../../native-free/marker.js';

const ME = 'client1@sandbox.local';
const PEER = 'client2@sandbox.local';
const AT = `${ME}/shared/flows/burst/r1/_mpc/1_to_2/stream.tcp`;

function marker(content: unknown, relPath = AT, me = ME): Marker {
  const result = parseMarker(typeof content === 'string' ? content : JSON.stringify(content), relPath, me);
  if (!result.ok) throw new Error(result.reason);
  return result.marker;
}

function reason(content: unknown, relPath = AT, me = ME): string {
  const result = parseMarker(typeof content === 'string' ? content : JSON.stringify(content), relPath, me);
  if (result.ok) throw new Error('expected a refusal');
  expect(result.code).toBe('invalid');
  return result.reason;
}

describe('a marker that can be used', () => {
  it('gives peer, own port and party ids (the burst layout)', () => {
    const found = marker({ from: ME, to: PEER, port: 13000, ports: { [ME]: 13102, [PEER]: 13201 } });
    expect(found).toEqual({
      relPath: AT,
      owner: ME,
      from: ME,
      to: PEER,
      self: ME,
      peer: PEER,
      port: 13102,
      firstPid: 1,
      secondPid: 2,
      localPid: 1,
      remotePid: 2,
    });
  });

  it('may name me as "to"', () => {
    const found = marker({ from: PEER, to: ME, port: 9001 });
    expect([found.peer, found.localPid, found.remotePid]).toEqual([PEER, 2, 1]);
  });

  it('falls back to "port" when "ports" does not list me, as Go does', () => {
    expect(marker({ from: ME, to: PEER, port: 9001, ports: { [PEER]: 9002 } }).port).toBe(9001);
  });

  it('may lie outside _mpc and in a directory with further pieces, as Rust allows', () => {
    const found = marker({ from: ME, to: PEER, port: 1 }, `${ME}/x/0_to_1_to_2/stream.tcp`);
    expect([found.firstPid, found.secondPid]).toEqual([0, 1]);
  });

  it('tells which party I am when the shared layout hides it, and keeps the rest', () => {
    const found = marker({ from: ME, to: PEER, port: 1, local_party_id: 2, remote_party_id: 1, global_base: 9000 });
    expect([found.localPid, found.remotePid]).toEqual([2, 1]);
    expect(found.extra).toEqual({ local_party_id: 2, remote_party_id: 1, global_base: 9000 });
  });

  it('may name an application to dial, with or without a port of its own', () => {
    expect(marker({ from: ME, to: PEER, dial: '127.0.0.1:5432' })).toMatchObject({ port: 0, dial: { host: '127.0.0.1', port: 5432 } });
    expect(marker({ from: ME, to: PEER, port: 7, dial: '[::1]:5432' })).toMatchObject({ port: 7, dial: { host: '::1', port: 5432 } });
  });

  it('may carry a byte order mark and white space', () => {
    expect(marker(`\uFEFF {"from":"${ME} ","to":"${PEER}","port":1}\n`).from).toBe(ME);
  });
});

describe('a marker that cannot be used', () => {
  it('of two other parties is not mine, which is no mistake', () => {
    const result = parseMarker(JSON.stringify({ from: 'a@x.io', to: 'b@x.io', port: 1 }), AT, ME);
    expect(result).toMatchObject({ ok: false, code: 'not-mine' });
    expect(result.ok ? '' : result.reason).toContain('not for this identity');
  });

  it.each([
    ['1234', '"from" and "to" are needed'],
    ['host:1234', '"from" and "to" are needed'],
    ['', 'empty'],
    ['{', 'not valid JSON'],
    ['[]', 'JSON object'],
    [{ to: PEER, port: 1 }, '"from" is missing'],
    [{ from: ME, to: ' ', port: 1 }, '"to" is missing'],
    [{ from: ME, to: 'nobody', port: 1 }, '"to" is "nobody"'],
    [{ from: ME, to: ME, port: 1 }, 'two parties'],
    [{ from: ME, to: PEER }, 'no port'],
    [{ from: ME, to: PEER, port: 0 }, 'no port'],
    [{ from: ME, to: PEER, port: 65536 }, '"port" is 65536'],
    [{ from: ME, to: PEER, port: '9001' }, '"port" is "9001"'],
    [{ from: ME, to: PEER, port: 1.5 }, '"port" is 1.5'],
    [{ from: ME, to: PEER, port: 1, ports: { [ME]: 0 } }, `"ports"["${ME}"] is 0`],
    [{ from: ME, to: PEER, port: 1, ports: [1] }, '"ports" must be an object'],
    [{ from: ME, to: PEER, port: 1, dial: 'nowhere' }, '"dial" is "nowhere"'],
    [{ from: ME, to: PEER, port: 1, dial: 'h:0' }, '"dial" is "h:0"'],
    [`{"a":"${'x'.repeat(70_000)}"}`, 'larger than'],
  ])('%j: %s', (content, part) => {
    expect(reason(content)).toContain(part);
  });

  it.each([
    `${ME}/x/0-1/stream.tcp`,
    `${ME}/x/0_to_/stream.tcp`,
    `${ME}/x/-1_to_2/stream.tcp`,
    `${ME}/x/0_to_1/other`,
    'stream.tcp',
    `${ME}/../0_to_1/stream.tcp`,
  ])('cannot lie at %s', (relPath) => {
    expect(reason({ from: ME, to: PEER, port: 1 }, relPath)).toMatch(/_to_|path/);
  });

  it('never throws, whatever the file holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.string(), (text, relPath) => {
        parseMarker(text, AT, ME);
        parseMarker(text, relPath, ME);
      }),
    );
    expect(reason('{"__proto__":{"from":"a@x.io"},"to":"b@x.io"}')).toContain('"from" is missing');
  });
});

it('splits host and port', () => {
  expect(parseHostPort('localhost:80')).toEqual({ host: 'localhost', port: 80 });
  expect(parseHostPort('[fe80::1%eth0]:80')).toEqual({ host: 'fe80::1%eth0', port: 80 });
  for (const bad of ['::1:80', ':80', 'h:', 'h:99999', 'h', 'a/b:1', 'a b:1']) expect(parseHostPort(bad)).toBeUndefined();
});
