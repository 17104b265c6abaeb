// Does each TURN server give us a relayed address with the credentials at hand? It is given back at once. Main thread.
import { parseIceServers } from '../../workers/lanes/ice-servers.js';
import { type Check, check } from './check.js';
import type { IceQuestion } from './nat.js';
import { resolveServer, StunClient } from './stun-client.js';
import { type Attribute, endpointOf, longTermKey, type StunAnswer, StunAttribute, StunType } from './stun-message.js';

const UDP = Buffer.from([17, 0, 0, 0]);

export async function turnChecks({ iceServers, turnUser, turnPass }: IceQuestion): Promise<Check[]> {
  const turn = parseIceServers(iceServers, turnUser, turnPass).servers.filter(({ username }) => username !== undefined);
  if (turn.length === 0) return [check('turn', 'skip', 'no TURN server with credentials is configured or advertised')];
  return await Promise.all(
    turn.map(({ hostname, port, username, password }) => allocation(hostname, port, username ?? '', password ?? '')),
  );
}

async function allocation(host: string, port: number, user: string, pass: string): Promise<Check> {
  const name = `turn ${host}:${port}`;
  const at = await resolveServer(host, port);
  if (at === undefined) return check(name, 'fail', `the name ${host} is not known`, 'correct --ice-servers, or the DNS');
  await using client = await StunClient.open(at.family);
  const began = performance.now();
  const refusal = await client.ask(at, StunType.allocate, [[StunAttribute.requestedTransport, UDP]]);
  if (refusal === undefined) return check(name, 'fail', 'no answer', 'it is down, or UDP to it is blocked');
  // A server without authentication answers at once.
  const signed = refusal.error === 401 ? signature(refusal, user, pass) : undefined;
  const answer =
    signed === undefined
      ? refusal
      : await client.ask(at, StunType.allocate, [[StunAttribute.requestedTransport, UDP], ...signed.attributes], signed.key);
  if (answer === undefined) return check(name, 'fail', 'no answer to a request with credentials', 'it is overloaded, or UDP is lossy');
  if (answer.error !== undefined)
    return check(
      name,
      'fail',
      `refused: ${answer.error} ${answer.reason}`,
      answer.error === 401 ? 'the TURN user or password is wrong or has expired' : 'look at its log',
    );
  const relayed = endpointOf(answer.attributes.get(StunAttribute.xorRelayedAddress), answer.transaction);
  // Given back, or it would be held for ten minutes.
  const none = Buffer.alloc(4);
  await client.ask(at, StunType.refresh, [[StunAttribute.lifetime, none], ...(signed?.attributes ?? [])], signed?.key);
  return check(
    name,
    'ok',
    `allocates ${relayed === undefined ? 'an address' : `${relayed.host}:${relayed.port}`} in ${Math.round(performance.now() - began)} ms`,
  );
}

function signature({ attributes }: StunAnswer, user: string, pass: string): { attributes: Attribute[]; key: Buffer } {
  const realm = attributes.get(StunAttribute.realm) ?? Buffer.alloc(0);
  const nonce = attributes.get(StunAttribute.nonce) ?? Buffer.alloc(0);
  return {
    attributes: [
      [StunAttribute.username, Buffer.from(user)],
      [StunAttribute.realm, realm],
      [StunAttribute.nonce, nonce],
    ],
    key: longTermKey(user, realm.toString(), pass),
  };
}
