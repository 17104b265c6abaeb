// The throw-away certificate that this run shows on direct lanes. Self-signed and never checked against anything but its SHA-256, which the
// peer learned by signal; so it says nothing of who we are and is gone with the process. Main thread.
//
// Written out by hand: it is the one fixed structure below (RFC 5280 4.1), and the libraries that make certificates patch globals of the
// program they are loaded into. Keys and signature are node:crypto's.

import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';

export interface Certificate {
  /** PEM, PKCS #8. */
  key: string;
  /** PEM. */
  certificate: string;
  /** SHA-256 of the certificate, 64 lowercase hex digits. */
  fingerprint: string;
}

/** Not checked by peers, which compare the fingerprint; long enough that no tool between complains. */
const VALID_DAYS = 3650;
const DAY_MS = 86_400_000;
const EC_DSA_SHA256 = der(0x30, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
const COMMON_NAME = Buffer.from('550403', 'hex');

/** @returns a new P-256 key with its certificate */
export function createCertificate(nowMs = Date.now()): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const name = der(0x30, der(0x31, der(0x30, der(0x06, COMMON_NAME), der(0x0c, Buffer.from('hotlink')))));
  const serial = randomBytes(16);
  // Positive, and of the shortest form.
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    EC_DSA_SHA256,
    name,
    der(0x30, utcTime(nowMs - DAY_MS), utcTime(nowMs + VALID_DAYS * DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = sign('sha256', body, privateKey);
  const whole = der(0x30, body, EC_DSA_SHA256, der(0x03, Buffer.from([0]), signature));
  const parsed = new X509Certificate(whole);
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificate: parsed.toString(),
    fingerprint: parsed.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

/** YYMMDDHHMMSSZ; good until 2049. */
function utcTime(ms: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
}
