// Who takes part in a burst and where its markers lie: BioVault's scenario (workloads: three parties, six markers, three links driven one way).
// Links 0–1 and 1–2 use the directional layout (`0_to_1` at one end, `1_to_0` at the other), 0–2 the shared name at both ends, so that both are exercised.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Index is the party's id. */
export const EMAILS = ['aggregator@sandbox.local', 'client1@sandbox.local', 'client2@sandbox.local'] as const;

export interface LinkEnd {
  party: number;
  email: string;
  /** Name of the channel's directory at this end. */
  channel: string;
  /** Port the daemon listens on. */
  port: number;
}

export interface Link {
  from: LinkEnd;
  to: LinkEnd;
  /** Tells channels between the same two parties apart: part of the markers' directory. */
  flow: string;
}

/** As BioVault's scenario names it. */
const BURST_FLOW = 'hotlink-burst-3party';

const plan = [
  { from: 0, to: 1, sharedName: false },
  { from: 0, to: 2, sharedName: true },
  { from: 1, to: 2, sharedName: false },
] as const;

/** The first `count` links, each end with the next of `ports` (two per link). */
export function planLinks(count: 1 | 3, ports: readonly number[]): Link[] {
  return plan.slice(0, count).map(({ from, to, sharedName }, index) => ({
    from: linkEnd(from, `${from}_to_${to}`, ports[2 * index]!),
    to: linkEnd(to, sharedName ? `${from}_to_${to}` : `${to}_to_${from}`, ports[2 * index + 1]!),
    flow: BURST_FLOW,
  }));
}

/** `count` channels between the first two parties, each in a directory of its own. */
export function planChannels(count: number, ports: readonly number[]): Link[] {
  return Array.from({ length: count }, (_, index) => ({
    from: linkEnd(0, '0_to_1', ports[2 * index]!),
    to: linkEnd(1, '1_to_0', ports[2 * index + 1]!),
    flow: `hotlink-channel-${index}`,
  }));
}

function linkEnd(party: number, channel: string, port: number): LinkEnd {
  return { party, email: EMAILS[party]!, channel, port };
}

export interface AclFile {
  owner: string;
  /** Path below `datasites`, which is the relay's key. */
  key: string;
  text: string;
}

/**
 * Writes the three files of each end (`stream.tcp`, `stream.accept`, `syft.pub.yaml`) below that party's data directory.
 * @param dataDirOf data directory of a party
 * @returns the ACL files, for the relay to know as well
 */
export async function writeMarkers(links: readonly Link[], runId: string, dataDirOf: (email: string) => string): Promise<AclFile[]> {
  const acls: AclFile[] = [];
  for (const link of links) {
    for (const [me, peer] of [
      [link.from, link.to],
      [link.to, link.from],
    ] as const) {
      const channelDir = `${me.email}/shared/flows/${link.flow}/${runId}/_mpc/${me.channel}`;
      const marker = { from: me.email, to: peer.email, port: me.port, ports: { [me.email]: me.port, [peer.email]: peer.port } };
      const acl = { owner: me.email, key: `${channelDir}/syft.pub.yaml`, text: aclText(me.email) };
      const here = join(dataDirOf(me.email), 'datasites', channelDir);
      await mkdir(here, { recursive: true });
      await writeFile(join(here, 'syft.pub.yaml'), acl.text);
      await writeFile(join(here, 'stream.accept'), '1');
      await writeFile(join(here, 'stream.tcp'), `${JSON.stringify(marker)}\n`);
      acls.push(acl);
    }
  }
  return acls;
}

/** Read and write for all three, as the scenario grants it. */
function aclText(owner: string): string {
  const everyone = JSON.stringify(EMAILS);
  return `terminal: false\nrules:\n  - pattern: '**'\n    access:\n      admin: ['${owner}']\n      write: ${everyone}\n      read: ${everyone}\n`;
}

/** Grants on the relay what {@link writeMarkers} wrote on disk. */
export async function uploadAcl(relayUrl: string, acl: AclFile): Promise<void> {
  const url = new URL('/api/v1/acl', relayUrl);
  url.searchParams.set('user', acl.owner);
  url.searchParams.set('key', acl.key);
  const form = new FormData();
  form.set('file', new Blob([acl.text]), 'syft.pub.yaml');
  const response = await fetch(url, { method: 'PUT', body: form });
  if (!response.ok) throw new Error(`the relay refused the ACL of ${dirname(acl.key)}: ${response.status} ${await response.text()}`);
}
