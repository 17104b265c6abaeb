import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createCertificate } from '../../src/control/certificate.js';

describe('the throw-away certificate', () => {
  it('is a self-signed X.509 certificate of its key, valid now, with the fingerprint that is said of it', () => {
    const { key, certificate, fingerprint } = createCertificate();
    const parsed = new X509Certificate(certificate);
    expect(parsed.verify(createPublicKey(createPrivateKey(key)))).toBe(true);
    expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(parsed.subject).toBe('CN=hotlink');
    expect(Date.parse(parsed.validFrom)).toBeLessThan(Date.now());
    expect(Date.parse(parsed.validTo)).toBeGreaterThan(Date.now() + 86_400_000);
    expect(fingerprint).toBe(parsed.fingerprint256.replaceAll(':', '').toLowerCase());
  });

  it('is another one each time', () => {
    expect(new Set(Array.from({ length: 20 }, () => createCertificate().fingerprint)).size).toBe(20);
  });
});
