// What of the relay the cluster works on.
import type { Log } from '../../options.js';
import type { Connection } from '../connection.js';
import type { RelayCounters } from '../counters.js';
import type { FlowLimits } from '../flow.js';
import type { Hub } from '../hub.js';
import type { Recipient } from '../recipient.js';
import type { Session, SessionStore } from '../sessions.js';
import type { AclTarget } from './acl-replica.js';

export interface ClusterHost {
  readonly hub: Hub;
  readonly sessions: SessionStore<Recipient>;
  readonly acl: AclTarget;
  readonly limits: FlowLimits;
  readonly counters: RelayCounters;
  readonly log: Log;
  /** A message of a client elsewhere, for a session that is here. */
  route(from: Recipient, frame: Buffer, isBinary: boolean): void;
  /** Show an Open to one more client. */
  show(session: Session<Recipient>, id: string, to: Recipient): void;
  /** The session of this opener is somebody else's. */
  refuse(to: Recipient, sid: string): void;
  /** The process of a session is lost: tell one who had accepted it. */
  tellLost(to: Connection, sid: string): void;
  /** Disconnect every client: this process may not serve for now. */
  disconnectAll(reason: string): void;
}
