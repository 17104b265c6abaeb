// Options that there are not, refused by name: a program in JavaScript misspells one, and what it asked for would be left out without a word. That may be what
// keeps bytes off the relay, or a relay from taking everybody for who they claim to be. Pure.
import { HotlinkError, type HotlinkErrorCode } from '../native-free/index.js';
import { closest } from './closest.js';

/** Every name that options of this kind have: the compiler sees to it. */
export type NamesOf<Options> = { readonly [Name in keyof Required<Options>]: unknown };

/**
 * @param options whose names are looked at; unset ones may have any
 * @param known by name
 * @param within what the options are part of, with a dot
 * @throws HotlinkError `code`, naming the first one that is not known, and what it was probably meant to be
 */
export function refuseUnknown(options: object, known: object, code: HotlinkErrorCode, within = ''): void {
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
