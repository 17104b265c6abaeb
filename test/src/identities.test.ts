// Identity keys and pins on disk: made once, readable by their owner only, and never let through what cannot be read. What an identity signs
// for one session, lane and role is worth nothing for another.
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CertificateClaim } from '../../native-free/index.js';
import { Identities } from '../../src/control/identities.js';
import { openIdentityKey } from '../../src/control/identity-key.js';
import type { IdentityMode } from '../../src/options.js';

const BOB = 'bob@example.com';
let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hotlink-identity-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const pinned: string[] = [];
function open(who: string, mode: IdentityMode = 'pin'): Identities {
  const identities = new Identities(mode, join(home, who), (peer, fingerprint) => pinned.push(`${peer} ${fingerprint}`));
  identities.open();
  return identities;
}
const pins = (who: string): string => join(home, who, 'known_peers');
const keyOf = (identities: Identities): Uint8Array => identities.own?.publicKey as Uint8Array;

describe('an identity key', () => {
  it('is made once, for its owner alone, and is the same at the next start', () => {
    const first = open('alice');
    const path = join(home, 'alice', 'hotlink_identity.pem');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, 'alice')).mode & 0o777).toBe(0o700);
    expect(open('alice').fingerprint).toBe(first.fingerprint);
    expect(open('bob').fingerprint).not.toBe(first.fingerprint);
  });

  it.each([
    ['that others may read', (path: string) => chmodSync(path, 0o640)],
    ['that is not one', (path: string) => writeFileSync(path, 'hello')],
  ])('%s stops the start with a reason', (_what, spoil) => {
    const path = join(home, 'key.pem');
    openIdentityKey(path);
    spoil(path);
    expect(() => openIdentityKey(path)).toThrow(expect.objectContaining({ code: 'ERR_HLNK_CONFIG' }));
  });

  it('needs a place to be kept', () => {
    expect(() => new Identities('pin', undefined, () => {}).open()).toThrow(expect.objectContaining({ code: 'ERR_HLNK_CONFIG' }));
    expect(() => new Identities('off', undefined, () => {}).open()).not.toThrow();
  });
});

describe('a pinned key', () => {
  it('is the first that was seen; another one, or none, is refused until its line is gone', () => {
    const [alice, bob, mallory] = [open('alice'), open('bob'), open('mallory')];
    expect(alice.judge(BOB, undefined)).toBeUndefined();
    expect(alice.judge(BOB, keyOf(bob))).toBeUndefined();
    expect(pinned).toContain(`${BOB} ${bob.fingerprint}`);
    expect(alice.judge(BOB, keyOf(bob))).toBeUndefined();
    expect(alice.judge(BOB, keyOf(mallory))).toContain(`THE IDENTITY KEY OF ${BOB} HAS CHANGED`);
    expect(alice.judge(BOB, undefined)).toContain('shows no identity key');
    expect(alice.mustProve(BOB)).toContain(`${pins('alice')} line 1`);
    expect(alice.mustProve('carol@example.com')).toBeUndefined();
    expect(readFileSync(pins('alice'), 'utf8').split('\n')).toHaveLength(2);
    writeFileSync(pins('alice'), '# moved to a new machine\n');
    expect(alice.judge(BOB, keyOf(mallory))).toBeUndefined();
  });

  it('gets a line of its own behind one that an editor left without its end', () => {
    const [alice, bob, carol] = [open('alice'), open('bob'), open('carol')];
    alice.judge(BOB, keyOf(bob));
    writeFileSync(pins('alice'), readFileSync(pins('alice'), 'utf8').trimEnd());
    expect(alice.judge('carol@example.com', keyOf(carol))).toBeUndefined();
    expect(alice.mustProve('carol@example.com')).toContain('line 2');
    expect(alice.judge(BOB, keyOf(bob))).toBeUndefined();
    expect(readFileSync(pins('alice'), 'utf8')).not.toContain('\n\n');
  });

  it.each([
    ['a line that was cut', `${BOB} ed25519 AAAA\n`],
    ['a line of another kind', `# keys\n${BOB} rsa AAAA\n`],
  ])('in %s refuses everybody who says to be that peer', (_what, text) => {
    const [alice, bob] = [open('alice'), open('bob')];
    writeFileSync(pins('alice'), text);
    expect(alice.judge(BOB, keyOf(bob))).toContain('cannot be read');
    expect(alice.mustProve(BOB)).toBeDefined();
  });

  it('is asked of every peer where identities are required', () => {
    const [alice, bob] = [open('alice', 'require'), open('bob')];
    expect(alice.judge(BOB, undefined)).toContain('required of every peer');
    expect(alice.judge(BOB, keyOf(bob))).toBeUndefined();
  });

  it('does not exist where identities are off, whatever the file says', () => {
    const alice = open('alice');
    alice.judge(BOB, keyOf(open('bob')));
    const careless = open('alice', 'off');
    expect([careless.judge(BOB, undefined), careless.mustProve(BOB), careless.fingerprint]).toEqual([undefined, undefined, undefined]);
  });
});

describe('a voucher for a certificate', () => {
  const claim: CertificateClaim = {
    sid: 'one',
    role: 'acceptor',
    signer: BOB,
    peer: 'alice@example.com',
    lane: 'direct',
    certificate: 'aa'.repeat(32),
  };

  it('holds for that session, role, lane, certificate and pair of peers, and for nothing else', () => {
    const [alice, bob] = [open('alice'), open('bob')];
    const voucher = bob.vouch(claim) as string;
    expect(alice.check(claim, ['127.0.0.1:1', voucher])).toBeUndefined();
    const others: Partial<CertificateClaim>[] = [
      { sid: 'two' },
      { role: 'opener' },
      { lane: 'webrtc' },
      { certificate: 'ab'.repeat(32) },
      { signer: 'carol@example.com' },
      { peer: 'carol@example.com' },
    ];
    for (const other of others) expect(alice.check({ ...claim, ...other }, [voucher])).toMatchObject({ forged: true });
    expect(alice.check(claim, [`${voucher} `])).toMatchObject({ forged: true });
    expect(alice.check(claim, ['hl1-voucher'])).toMatchObject({ forged: true });
    // None at all, of a peer whose key is pinned by now.
    expect(alice.check(claim, undefined)).toMatchObject({ forged: false });
    expect(alice.check(claim, [open('mallory').vouch(claim) as string])).toMatchObject({ forged: false });
  });
});
