// What keys are derived from and what identity keys sign. Everything that both sides must agree on is in it, each field with its length, so
// a message moved to another session, direction, peer or lane does not verify. Any thread.

import { joinFields } from './fields.js';

/** Which end of a session. */
export type SealRole = 'opener' | 'acceptor';

/** One end of a session, as both ends see it. */
export interface SealParty {
  email: string;
  /** Epoch of its channel, from its message ids. */
  epoch: string;
  /** X25519 public key, made for this session; 32 bytes. */
  ephemeral: Uint8Array;
  /** Ed25519 public key, 32 bytes; undefined for a side without a long-lived identity. */
  identity: Uint8Array | undefined;
}

/** The session's transcript: salt of the keys, and what {@link proofBytes} signs. */
export function sealTranscript(sid: string, opener: SealParty, acceptor: SealParty): Uint8Array<ArrayBuffer> {
  const ends = [opener, acceptor].flatMap(({ email, epoch, ephemeral, identity }) => [email, epoch, ephemeral, identity]);
  return joinFields(['hotlink seal 1', sid, ...ends]);
}

/** What `role` signs with its identity key to own up to its ephemeral key. */
export function proofBytes(role: SealRole, transcript: Uint8Array): Uint8Array<ArrayBuffer> {
  return joinFields(['hotlink key 1', role, transcript]);
}

/** A certificate that one side of a session uses on one lane. */
export interface CertificateClaim {
  sid: string;
  /** Who uses the certificate: the signer's role in the session and e-mail, and the other side's e-mail. */
  role: SealRole;
  signer: string;
  peer: string;
  lane: 'webrtc' | 'direct';
  /** The fingerprint as the lane writes it; for WebRTC see {@link sdpCertificate}. */
  certificate: string;
}

/** What an identity key signs to own up to a lane's certificate. */
export function certificateBytes({ sid, role, signer, peer, lane, certificate }: CertificateClaim): Uint8Array<ArrayBuffer> {
  return joinFields(['hotlink certificate 1', sid, role, signer, peer, lane, certificate]);
}

/** Every certificate fingerprint in a session description, in one spelling; empty without any. RFC 8122. */
export function sdpCertificate(sdp: string): string {
  const found = [...sdp.matchAll(/^a=fingerprint:(.*)$/gim)].map((match) => (match[1] as string).trim().toLowerCase().replace(/\s+/g, ' '));
  return [...new Set(found)].sort().join('\n');
}
