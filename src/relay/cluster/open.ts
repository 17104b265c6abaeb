// Makes a relay process part of a cluster: connects to NATS and puts the parts together. Loaded only when a cluster was asked for.
import { MessageType } from '../../../native-free/envelope/index.js';
import { HotlinkError } from '../../../native-free/index.js';
import type { AclReplica } from './acl-replica.js';
import { Cluster } from './cluster.js';
import type { ClusterHost } from './host.js';
import { NatsCarrier } from './nats.js';
import type { ClusterOptions } from './options.js';

const DEFAULT_SILENCE_MS = 10_000;
/** What upstream's clients are told of a session whose process is lost; they open it anew. */
export const LOST_REASON = 'the relay that had the session is gone';

/** @throws HotlinkError ERR_HLNK_CONFIG */
export async function openCluster(options: ClusterOptions, replica: AclReplica, host: Omit<ClusterHost, 'tellLost'>): Promise<Cluster> {
  const { servers, name = 'relay', silenceMs = DEFAULT_SILENCE_MS } = options;
  if (!(Number.isSafeInteger(silenceMs) && silenceMs >= 1000 && silenceMs <= 600_000))
    throw new HotlinkError('ERR_HLNK_CONFIG', `a process is lost after 1000 to 600000 ms of silence, not ${silenceMs}`);
  const carrier = await NatsCarrier.connect(servers, name, host.log);
  return new Cluster(carrier, silenceMs, replica, {
    ...host,
    tellLost: (client, sid) => client.deliver(`srv-${sid.slice(0, 8)}`, { typ: MessageType.Close, sid, rsn: LOST_REASON }, client),
  });
}
