// Names that look like others', while two honest users transfer: paths that try to leave their place, e-mails that differ from Alice's by what an eye
// does not see. E-mails are compared byte for byte, paths by whole segments; what is no usable name is refused, what is another name is another user.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ALICE, PATH, SID } from '../support/bystanders.js';
import { Hostility } from '../support/hostility.js';

const EVE = 'eve@example.com';
const PATIENCE_MS = 120_000;

let hostility: Hostility;
const home = mkdtempSync(join(tmpdir(), 'hotlink-hostile-'));
afterEach(async () => {
  await hostility.end();
  rmSync(home, { recursive: true, force: true });
});

const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length))
    .sort();

describe('paths', () => {
  it(
    'that try to leave their place open nothing and write nothing',
    async () => {
      const dataDir = join(home, 'relay', 'data');
      hostility = await Hostility.begin({ dataDir });
      const unusable = [
        `${EVE}/../${ALICE}/x`,
        `${EVE}/./x`,
        `${EVE}/d/../../../../etc/x`,
        `/${EVE}/x`,
        `//${EVE}/x`,
        `${EVE}//x`,
        `${EVE}/x/`,
        `${EVE}\\..\\${ALICE}\\x`,
        `${EVE}/d\\..\\x`,
        `${EVE}/d\0/x`,
        `C:\\${EVE}\\x`,
        '../x',
        '..',
        '',
        'no-email/x',
        `${EVE}/${'x/'.repeat(3000)}x`,
        `${'e'.repeat(250)}@example.com/x`,
      ];
      const before = filesBelow(home);
      const grown = await hostility.under('path tricks', async () => {
        const eve = await hostility.attacker(EVE);
        for (const [at, path] of unusable.entries()) {
          eve.send({ typ: 9, sid: `path-trick-${at}`, pth: path });
          eve.send({ typ: 2, pth: `${path}/syft.pub.yaml`, etg: '', len: 1, con: Buffer.from('rules: []') });
          const answer = await fetch(`${hostility.relay.url}/api/v1/acl?user=${EVE}&key=${encodeURIComponent(`${path}/syft.pub.yaml`)}`, {
            method: 'PUT',
            body: 'rules: []',
          });
          expect([400, 403], JSON.stringify(path)).toContain(answer.status);
        }
        // A name is not decoded twice: this is a directory of Eve's whose name has percent signs.
        eve.send({ typ: 9, sid: 'encoded-dots', pth: `${EVE}/%2e%2e/${ALICE}/x` });
        await eve.settled();
        expect(eve.heard('"typ":11')).toBe(unusable.length);
        expect(eve.heard('"typ":5')).toBe(unusable.length);
      });
      expect(grown('opensBadPath')).toBe(unusable.length);
      expect(grown('aclUpdates')).toBe(0);
      expect(filesBelow(home)).toEqual(before);
    },
    PATIENCE_MS,
  );
});

describe('e-mails', () => {
  /** Each of them is somebody, or nobody; none of them is alice@example.com. */
  const lookalikes = [
    'alice@example.co',
    'alice@example.com.evil.org',
    'alice@example.comm',
    'lice@example.com',
    'xalice@example.com',
    'Alice@example.com',
    'alice@EXAMPLE.com',
    'аlice@example.com', // Cyrillic a
    'alice@exаmple.com',
    'alice\u200b@example.com',
    'alice@example.com\u200b',
    'alice\u00ad@example.com',
    'alice@example.com.',
    'alice+x@example.com',
    '"alice"@example.com',
    'alicé@example.com',
    'alice\u0301@example.com',
    'ａlice@example.com',
    'alice@example。com',
    'alice@example.com/../x@y.z',
    'alice@example.com\u0000',
    ' alice@example.com',
    'alice@example.com ',
    'alice%40example.com@x.io',
  ];

  it(
    'that look like Alice’s are not hers: not to open on her path, nor to be shown or to take what is hers',
    async () => {
      hostility = await Hostility.begin();
      const grown = await hostility.under('lookalikes', async () => {
        let admitted = 0;
        for (const user of lookalikes) {
          const answer = await fetch(
            `${hostility.relay.url}/api/v1/acl?user=${encodeURIComponent(user)}&key=${encodeURIComponent(`${ALICE}/_mpc/0_to_1/syft.pub.yaml`)}`,
            { method: 'PUT', body: JSON.stringify({ rules: [{ pattern: '**', access: { read: ['*'] } }] }) },
          );
          expect([400, 401, 403], JSON.stringify(user)).toContain(answer.status);
          const one = await hostility.attacker(user).catch((error: Error) => {
            expect(error.message).toMatch(/^401 .*must be an e-mail/);
            return undefined;
          });
          if (one === undefined) continue;
          admitted += 1;
          one.send({ typ: 9, sid: `as-alice-${admitted}`, pth: PATH });
          one.send({ typ: 10, sid: SID });
          one.send({ typ: 12, sid: SID, seq: 1, pth: PATH, pay: Buffer.from('forged') });
          one.send({ typ: 13, sid: SID });
          await one.settled();
          expect(one.heard('"typ":11', 'permission denied'), JSON.stringify(user)).toBe(2);
          expect(one.heard('"typ":9'), JSON.stringify(user)).toBe(0);
          one.socket.terminate();
        }
        expect(admitted).toBeGreaterThan(5);
        expect(admitted).toBeLessThan(lookalikes.length);
      });
      expect(grown('aclUpdates')).toBe(0);
      expect(grown('authFailures')).toBeGreaterThan(0);
      expect(grown('strangers')).toBe(grown('opensDenied'));
    },
    PATIENCE_MS,
  );

  it(
    'in another normal form are other users, also to an ACL',
    async () => {
      hostility = await Hostility.begin();
      const [composed, decomposed] = ['ren\u00e9e@example.com', 'rene\u0301e@example.com'];
      await hostility.under('normal forms', async () => {
        const eve = await hostility.attacker(EVE);
        const con = Buffer.from(JSON.stringify({ rules: [{ pattern: '**', access: { read: [composed] } }] }));
        eve.send({ typ: 2, pth: `${EVE}/d/syft.pub.yaml`, etg: '', len: con.length, con });
        await eve.settled();
        const [named, other] = [await hostility.attacker(composed), await hostility.attacker(decomposed)];
        eve.send({ typ: 9, sid: 'for-one-of-them', pth: `${EVE}/d/x` });
        await eve.settled();
        await Promise.all([named.settled(), other.settled()]);
        expect([named.heard('for-one-of-them'), other.heard('for-one-of-them')]).toEqual([1, 0]);
      });
    },
    PATIENCE_MS,
  );
});
