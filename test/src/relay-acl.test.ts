// ACL files that others edit while the relay runs: no Open, Accept, upload or question is judged by what a file said before, and running sessions
// follow within a scan. And who may ask about whom.
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mintAccessToken, type RelayOptions, type RelayServer, startRelay } from '../../src/relay/index.js';
import { aclYaml, putAcl, RelayClient } from './relay-client.js';

const ALICE = 'alice@example.com';
const BOB = 'bob@example.com';
const EVE = 'eve@example.com';
const DIR = `${ALICE}/app`;
const TCP = `${DIR}/_mpc/0_to_1/stream.tcp.request`;

let dataDir: string;
let relay: RelayServer;
let clients: RelayClient[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'relay-acl-'));
  relay = await start({});
});

afterEach(async () => {
  for (const client of clients) client.socket.terminate();
  clients = [];
  await relay.close();
  await rm(dataDir, { recursive: true });
});

function start(options: Partial<RelayOptions>): Promise<RelayServer> {
  return startRelay({ listen: '127.0.0.1:0', dataDir, ...options });
}

async function client(user: string): Promise<RelayClient> {
  const made = await RelayClient.connect(relay, user);
  clients.push(made);
  return made;
}

const place = (directory: string) => join(dataDir, 'datasites', directory);
const fileOf = (directory: string) => join(place(directory), 'syft.pub.yaml');

async function edit(directory: string, yaml: string): Promise<void> {
  await mkdir(place(directory), { recursive: true });
  await writeFile(fileOf(directory), yaml);
}

const check = (user: string, path: string, level = 1) =>
  fetch(`${relay.url}/api/v1/acl/check?user=${user}&path=${path}&level=${level}`).then(({ status }) => status);

/** Alice opens towards Bob; what Alice hears. */
async function open(alice: RelayClient, sid: string): Promise<object> {
  alice.send({ typ: 9, sid, pth: TCP, to: BOB });
  const heard = await alice.settled();
  return heard[0]?.message ?? { typ: 'nothing' };
}

describe('an ACL file that is edited from outside', () => {
  it('counts for the very next question: written, changed to the same length, taken away', async () => {
    expect(await check(BOB, `${DIR}/f`)).toBe(403);
    await edit(DIR, aclYaml([BOB]));
    expect(await check(BOB, `${DIR}/f`)).toBe(200);
    for (let i = 0; i < 20; i++) {
      await edit(DIR, aclYaml([EVE])); // as long as the other
      expect([await check(BOB, `${DIR}/f`), await check(EVE, `${DIR}/f`)]).toEqual([403, 200]);
      await edit(DIR, aclYaml(['bob@example.com']));
      expect(await check(BOB, `${DIR}/f`)).toBe(200);
    }
    await rm(fileOf(DIR));
    expect(await check(BOB, `${DIR}/f`)).toBe(403);
    await edit(ALICE, aclYaml([BOB]));
    expect(await check(BOB, `${DIR}/f`)).toBe(200);
    await edit(DIR, 'rules: [');
    expect(await check(BOB, `${DIR}/f`)).toBe(403);
    expect(await check(ALICE, `${DIR}/f`)).toBe(200);
  });

  it('counts for the very next Open and Accept', async () => {
    const [alice, bob] = [await client(ALICE), await client(BOB)];
    expect(await open(alice, 'session-1')).toMatchObject({ typ: 11, rsn: 'permission denied' });
    await edit(DIR, aclYaml([BOB]));
    expect(await open(alice, 'session-2')).toEqual({ typ: 'nothing' });
    await bob.next();
    await edit(DIR, aclYaml([]));
    bob.send({ typ: 10, sid: 'session-2' });
    expect((await bob.next()).message).toEqual({ typ: 11, sid: 'session-2', rsn: 'permission denied' });
  });

  it('stops the data of a running session within a few seconds', async () => {
    await edit(DIR, aclYaml([BOB]));
    const [alice, bob] = [await client(ALICE), await client(BOB)];
    await open(alice, 'session-1');
    await bob.next();
    bob.send({ typ: 10, sid: 'session-1' });
    await alice.next();
    await edit(DIR, aclYaml([]));
    let seq = 0;
    await expect
      .poll(
        async () => {
          alice.send({ typ: 12, sid: 'session-1', seq: ++seq, pth: TCP, pay: new Uint8Array(1) });
          await alice.settled();
          return relay.stats().dataDenied;
        },
        { timeout: 10_000, interval: 100 },
      )
      .toBeGreaterThan(0);
  });

  it('cannot be replaced by somebody who was its admin before', async () => {
    await edit(DIR, aclYaml([], [], [EVE]));
    expect((await putAcl(relay, ALICE, DIR, aclYaml([], [], [EVE]), EVE)).status).toBe(200);
    await edit(DIR, aclYaml([EVE]));
    expect((await putAcl(relay, ALICE, DIR, aclYaml([], [], [EVE]), EVE)).status).toBe(403);
    expect(await readFile(fileOf(DIR), 'utf8')).toBe(aclYaml([EVE]));
  });

  it('of a directory that is moved goes with it', async () => {
    await edit(DIR, aclYaml([BOB]));
    expect(await check(BOB, `${DIR}/f`)).toBe(200);
    await rename(place(DIR), place(`${ALICE}/other`));
    expect([await check(BOB, `${DIR}/f`), await check(BOB, `${ALICE}/other/f`)]).toEqual([403, 200]);
  });

  it('is not looked for behind a link, nor is one that lies in no datasite', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'relay-outside-'));
    try {
      await writeFile(join(outside, 'syft.pub.yaml'), aclYaml([BOB]));
      await mkdir(place(ALICE), { recursive: true });
      await symlink(outside, place(DIR));
      expect(await check(BOB, `${DIR}/f`)).toBe(403);
      await rm(place(DIR));
      await mkdir(place(DIR));
      await symlink(join(outside, 'syft.pub.yaml'), fileOf(DIR));
      expect(await check(BOB, `${DIR}/f`)).toBe(403);
    } finally {
      await rm(outside, { recursive: true });
    }
    await edit('somewhere', aclYaml([BOB]));
    await relay.close();
    const warnings: object[] = [];
    relay = await start({ log: { debug() {}, info() {}, error() {}, warn: (fields: object) => void warnings.push(fields) } });
    expect(warnings).toEqual([{ directory: 'somewhere' }]);
  });

  it('with a time in the future is read all the same', async () => {
    await edit(DIR, aclYaml([BOB]));
    await utimes(fileOf(DIR), new Date('2090-01-01'), new Date('2090-01-01'));
    expect(await check(BOB, `${DIR}/f`)).toBe(200);
    await writeFile(fileOf(DIR), aclYaml([EVE]));
    await utimes(fileOf(DIR), new Date('2090-01-01'), new Date('2090-01-01'));
    expect(await check(BOB, `${DIR}/f`)).toBe(403);
  });

  it('is noticed without anybody asking, and so is its end', async () => {
    await edit(DIR, aclYaml([BOB]));
    await expect.poll(() => relay.stats().aclRulesets).toBe(1);
    await rm(place(ALICE), { recursive: true });
    await expect.poll(() => relay.stats().aclRulesets).toBe(0);
    // Its place among the owner's files is free again.
    expect((await putAcl(relay, ALICE, DIR, aclYaml([BOB]))).status).toBe(200);
    expect(await readdir(place(DIR))).toEqual(['syft.pub.yaml']);
  });
});

describe('the ACL check', () => {
  it('answers about oneself, and about others only to the owner and admins', async () => {
    const secret = 'a secret of more than thirty-two bytes, really';
    await relay.close();
    relay = await start({ authSecret: secret });
    await edit(DIR, aclYaml([BOB], [], ['adam@example.com']));
    const ask = async (asker: string, user: string): Promise<number> => {
      const headers = { authorization: `Bearer ${mintAccessToken(asker, secret, Date.now())}` };
      return (await fetch(`${relay.url}/api/v1/acl/check?user=${user}&path=${DIR}/f&level=1`, { headers })).status;
    };
    expect([await ask(BOB, BOB), await ask(EVE, EVE)]).toEqual([200, 403]);
    expect([await ask(ALICE, BOB), await ask(ALICE, EVE), await ask('adam@example.com', BOB)]).toEqual([200, 403, 200]);
    expect(await ask(EVE, BOB)).toBe(403);
  });

  it.each([
    ['without a level', `user=${BOB}&path=${DIR}/f`],
    ['with a level that is none', `user=${BOB}&path=${DIR}/f&level=16`],
  ])('%s is a bad request', async (_what, query) => {
    expect((await fetch(`${relay.url}/api/v1/acl/check?${query}`)).status).toBe(400);
  });
});
