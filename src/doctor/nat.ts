// What the network does to UDP: is it let through, what address do others see, and does the NAT keep it toward everybody? Asked of every STUN
// server that is configured, and of the other address of those that have one (RFC 5780). Main thread.
import { networkInterfaces } from 'node:os';
import { parseIceServers } from '../../workers/lanes/ice-servers.js';
import { type Check, check } from './check.js';
import { resolveServer, StunClient } from './stun-client.js';
import { type Endpoint, endpointOf, StunAttribute, StunType } from './stun-message.js';

export interface IceQuestion {
  iceServers: readonly string[];
  /** Whether the relay had the chance to name some. Default true. */
  relayAsked?: boolean;
  turnUser: string | undefined;
  turnPass: string | undefined;
}

interface Mapping {
  server: Endpoint;
  mapped: Endpoint;
}

const text = ({ host, port }: Endpoint): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

export async function natChecks({ iceServers, relayAsked = true, turnUser, turnPass }: IceQuestion): Promise<Check[]> {
  // TURN servers answer binding requests too.
  const { servers, warnings } = parseIceServers(iceServers, turnUser, turnPass);
  const checks = warnings.map((warning) => check('ice servers', 'warn', warning, 'correct --ice-servers, or the TURN credentials'));
  const stun = servers.map(({ hostname, port }) => ({ host: hostname, port }));
  if (stun.length === 0 && !relayAsked)
    return [...checks, check('stun', 'skip', 'the settings name no STUN server, and what the relay names is not known')];
  if (stun.length === 0) {
    const detail = 'neither the settings nor the relay name a STUN server: only host candidates, which do for one machine and one LAN';
    return [...checks, check('stun', 'skip', detail, 'start the relay with --stun HOST:PORT, or give --ice-servers')];
  }
  const resolved = await Promise.all(stun.map(async (server) => ({ server, at: await resolveServer(server.host, server.port) })));
  for (const { server, at } of resolved)
    if (at === undefined) checks.push(check('stun', 'fail', `the name ${server.host} is not known`, 'correct --ice-servers, or the DNS'));
  const known = resolved.flatMap(({ at }) => at ?? []);
  for (const family of [4, 6] as const) {
    const ofFamily = known.filter((one) => one.family === family);
    if (ofFamily.length > 0) checks.push(...(await familyChecks(ofFamily, family)));
  }
  return checks;
}

async function familyChecks(servers: readonly Endpoint[], family: 4 | 6): Promise<Check[]> {
  await using client = await StunClient.open(family);
  const mappings: Mapping[] = [];
  const silent: Endpoint[] = [];
  for (const server of servers) {
    const answer = await client.ask(server, StunType.binding);
    const mapped = endpointOf(answer?.attributes.get(StunAttribute.xorMappedAddress), answer?.transaction ?? '');
    if (mapped === undefined) silent.push(server);
    else mappings.push({ server, mapped });
    const other =
      answer === undefined ? undefined : endpointOf(answer.attributes.get(StunAttribute.otherAddress), answer.transaction, false);
    if (other === undefined) continue;
    const again = await client.ask(other, StunType.binding);
    const second = endpointOf(again?.attributes.get(StunAttribute.xorMappedAddress), again?.transaction ?? '');
    if (second !== undefined) mappings.push({ server: other, mapped: second });
  }
  const [first] = mappings;
  if (first === undefined) {
    const asked = silent.map(text).join(', ');
    const hint = 'UDP is blocked, or the server is down: WebRTC needs UDP; the direct lane (TCP) and the relay do not';
    return [check('udp', 'fail', `no STUN server answers (${asked})`, hint)];
  }
  const checks = [check('udp', 'ok', `${text(first.server)} answers`)];
  for (const server of silent) checks.push(check('stun', 'warn', `${text(server)} does not answer`, 'it is down, or blocked'));
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  checks.push(check('mapping', 'ok', `others see this machine as ${text(first.mapped)}, from port ${client.localPort}`));
  checks.push(natKind(mappings, own.includes(first.mapped.host)));
  return checks;
}

function natKind(mappings: readonly Mapping[], unmapped: boolean): Check {
  const [first, ...others] = mappings as [Mapping, ...Mapping[]];
  if (unmapped) return check('nat', 'ok', 'no NAT: that is an address of this machine');
  if (others.length === 0)
    return check(
      'nat',
      'skip',
      'a NAT; its kind shows only with a second STUN server or address',
      'give two STUN servers in --ice-servers',
    );
  const same = others.every(({ mapped }) => text(mapped) === text(first.mapped));
  if (same) return check('nat', 'ok', 'the NAT keeps the address toward everybody: peers can meet by STUN');
  const seen = [...new Set(mappings.map(({ mapped }) => text(mapped)))].join(', ');
  return check(
    'nat',
    'warn',
    `a symmetric NAT: a new address toward everybody (${seen})`,
    'two of these need TURN, or one side a public address for the direct lane',
  );
}
