// Takes out of a text what is nobody else's business: secrets, e-mails, addresses, host and user names, the home directory. The same thing
// becomes the same word throughout, so that a report still makes sense. Pure.
import { isIPv6 } from 'node:net';

export interface RedactionFacts {
  /** Values of secret settings. */
  secrets: readonly string[];
  host: string;
  user: string;
  home: string;
}

/** A relay's address may have been given with a password in it. */
const USER_INFO = /(?<=:\/\/)[^\s/?#"]+@/g;
const EMAIL = /[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}/g;
const IPV4 = /\b(?:\d{1,3}\.){3}\d{1,3}\b/g;
/** What may be one; a time of day looks alike. */
const IPV6_LIKE = /(?<![\w.:])[0-9a-f]*:[0-9a-f:]+(?![\w:])/gi;
/** These say nothing about anybody. */
const HARMLESS = /^(127\.\d+\.\d+\.\d+|0\.0\.0\.0|::1|::)$/;
/** Shorter ones are words of every text. */
const LEAST_CHARS = 3;

/** @returns a function that redacts; what it has seen it remembers over several texts */
export function redactor({ secrets, host, user, home }: RedactionFacts): (text: string) => string {
  const names = new Map<string, string>();
  const named = (kind: string, value: string): string => {
    const key = `${kind} ${value.toLowerCase()}`;
    const known = names.get(key);
    if (known !== undefined) return known;
    const name = `${kind}-${[...names.keys()].filter((one) => one.startsWith(`${kind} `)).length + 1}`;
    names.set(key, name);
    return name;
  };
  return (text) => {
    let out = text;
    for (const secret of secrets) {
      if (secret.length < LEAST_CHARS) continue;
      // As it is, and as it looks inside JSON.
      out = out.replaceAll(secret, 'MASKED').replaceAll(JSON.stringify(secret).slice(1, -1), 'MASKED');
    }
    out = out.replaceAll(USER_INFO, 'MASKED@');
    out = out.replaceAll(EMAIL, (email) => (email.startsWith('MASKED@') ? email : `${named('user', email)}@example.invalid`));
    if (home.length > 1) out = out.replaceAll(home, '~');
    out = out.replaceAll(IPV4, (address) => (HARMLESS.test(address) ? address : named('ipv4', address)));
    out = out.replaceAll(IPV6_LIKE, (text6) => (!isIPv6(text6) || HARMLESS.test(text6) ? text6 : named('ipv6', text6)));
    if (host.length >= LEAST_CHARS) out = out.replaceAll(host, 'this-host');
    if (user.length >= LEAST_CHARS && user !== 'root') out = out.replaceAll(user, 'this-user');
    return out;
  };
}
