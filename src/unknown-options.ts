// Options that there are not, refused by name: a program in JavaScript misspells one, and what it asked for would be left out without a word. That may be what
// keeps bytes off the relay, or a relay from taking everybody for who they claim to be. Pure.
import { HotlinkError, type HotlinkErrorCode } from '../native-free/index.js';
import { closest } from './closest.js';

/** A table of every name that options of this kind have: the compiler sees to it. */
export type NamesOf<Options> = { readonly [Name in keyof Required<Options>]: unknown };

/**
 * @param what takes the options, as the message calls it
 * @param options whose names are looked at; unset ones may have any
 * @param known a table of names, {@link NamesOf} the options' type
 * @param within what goes before a name in a message, with a dot
 * @throws HotlinkError `code`, for what is no object, or naming the first option that is not known and what it was probably meant to be
 */
export function refuseUnknown(what: string, options: unknown, known: object, code: HotlinkErrorCode, within = ''): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw new HotlinkError(code, `${what} takes an object`);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(known, name)) continue;
    const meant = closest(name, Object.keys(known));
    throw new HotlinkError(
      code,
      `${within}${shown(name)}: there is no such option${meant === undefined ? '' : `; is ${within}${meant} meant?`}`,
    );
  }
}

function shown(name: string): string {
  if (/^\w{1,40}$/.test(name)) return name;
  return name.length <= 40 ? JSON.stringify(name) : 'a string';
}
