// YAML text of an ACL file to a rule set. Nothing that stands in it throws, and it takes time in proportion to its length: any user may upload
// one, and everybody else waits meanwhile. So the parser neither looks for keys that are there twice, which it does by comparing each with each,
// nor draws a picture of every fault.
import { type Document, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { parseAclFile, type Ruleset } from '../../native-free/acl/index.js';

export type ParsedAcl =
  | { readonly ok: true; readonly ruleset: Ruleset }
  | { readonly ok: false; readonly reason: string; readonly line?: number };

/** Aliases let a kilobyte of YAML unfold into gigabytes; an ACL file needs none. */
const MAX_ALIASES = 100;

/** The line is given where the YAML itself is at fault. */
export function parseAclYaml(content: Uint8Array): ParsedAcl {
  try {
    const lines = new LineCounter();
    const text = new TextDecoder('utf-8', { fatal: true }).decode(content);
    const document = parseDocument(text, { logLevel: 'error', prettyErrors: false, uniqueKeys: false, lineCounter: lines });
    const fault = document.errors[0];
    if (fault !== undefined) {
      const reason = fault.message.split('\n')[0] as string;
      return { ok: false, reason: `not valid YAML: ${reason}`, line: lines.linePos(fault.pos[0]).line };
    }
    const bad = badKeyOf(document);
    if (bad !== undefined) return { ok: false, reason: `not valid YAML: ${bad.reason}`, line: lines.linePos(bad.offset).line };
    return parseAclFile(document.toJS({ maxAliasCount: MAX_ALIASES }));
  } catch (error) {
    return { ok: false, reason: `not valid YAML: ${error instanceof Error ? error.message : 'unreadable'}` };
  }
}

/** Of two values under one key only one would count, and who reads the file might take it for the other. */
function badKeyOf(document: Document): { readonly reason: string; readonly offset: number } | undefined {
  let bad: ReturnType<typeof badKeyOf>;
  visit(document, {
    Map(_, map) {
      const keys = new Set<string>();
      for (const { key } of map.items) {
        // A list, a mapping or an alias could be spelled like a key that is there already.
        if (!isScalar(key)) bad = { reason: 'Map keys must be plain text', offset: map.range?.[0] ?? 0 };
        else if (keys.has(String(key.value ?? ''))) bad = { reason: 'Map keys must be unique', offset: key.range?.[0] ?? 0 };
        else {
          keys.add(String(key.value ?? ''));
          continue;
        }
        return visit.BREAK;
      }
      return undefined;
    },
  });
  return bad;
}
