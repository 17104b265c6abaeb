// YAML text of an ACL file to a rule set. Nothing that stands in it throws.
import { parseDocument } from 'yaml';
import { parseAclFile, type Ruleset } from '../../native-free/acl/index.js';

export type ParsedAcl =
  | { readonly ok: true; readonly ruleset: Ruleset }
  | { readonly ok: false; readonly reason: string; readonly line?: number };

/** Aliases let a kilobyte of YAML unfold into gigabytes; an ACL file needs none. */
const MAX_ALIASES = 100;

/** The line is given where the YAML itself is at fault. */
export function parseAclYaml(content: Uint8Array): ParsedAcl {
  try {
    const document = parseDocument(new TextDecoder('utf-8', { fatal: true }).decode(content), { logLevel: 'error' });
    const fault = document.errors[0];
    if (fault !== undefined) {
      const line = fault.linePos?.[0].line;
      const reason = fault.message.split('\n')[0] as string;
      return { ok: false, reason: `not valid YAML: ${reason}`, ...(line === undefined ? {} : { line }) };
    }
    return parseAclFile(document.toJS({ maxAliasCount: MAX_ALIASES }));
  } catch (error) {
    return { ok: false, reason: `not valid YAML: ${error instanceof Error ? error.message : 'unreadable'}` };
  }
}
