// What the `direct` option says, read: `auto`, `off` or `HOST:PORT`. Main thread.

/** Where peers may dial in; without a host the interfaces' addresses are meant, port 0 is the system's choice. */
export interface DirectAddress {
  host: string | undefined;
  port: number;
}

/** @returns `off` for no direct lane, undefined for text that says none of the three; an IPv6 host stands in brackets */
export function readDirect(text: string): DirectAddress | 'off' | undefined {
  const trimmed = text.trim();
  if (trimmed === 'off') return 'off';
  if (trimmed === 'auto') return { host: undefined, port: 0 };
  const [, v6, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(trimmed) ?? [];
  const port = Number(digits);
  return digits === undefined || port < 1 || port > 65_535 ? undefined : { host: v6 ?? name, port };
}
