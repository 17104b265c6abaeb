// How a party is named in the names of fallback files: eight hex digits that say nothing about it to strangers. Any thread.

import { createHash } from 'node:crypto';

/** @param email of the party */
export function senderOf(email: string): string {
  return createHash('sha1').update(email).digest('hex').slice(0, 8);
}
