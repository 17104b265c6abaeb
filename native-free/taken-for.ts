// Whom the relay takes a client for, which its token decides and not the name that the client gives (wire §1.1): a header of the answer to the
// upgrade, of our relay only. A client that goes by another name would wait for ever for sessions that are somebody else's.
import { isEmail } from './path.js';

export const TAKEN_FOR = 'x-syft-hotlink-user';

/** The header's value: an identity need not be ASCII. */
export function takenForHeader(email: string): string {
  return encodeURIComponent(email);
}

/**
 * @param header what the relay said, or undefined: upstream's does not say it
 * @returns whom it takes us for, where that is not `email`
 */
export function takenForAnother(header: string | undefined, email: string): string | undefined {
  if (header === undefined) return undefined;
  try {
    const user = decodeURIComponent(header);
    return isEmail(user) && user.toLowerCase() !== email.toLowerCase() ? user : undefined;
  } catch {
    return undefined;
  }
}
