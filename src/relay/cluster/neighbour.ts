// One other process of the cluster: its clients as recipients here, and the ways of our clients to its sessions.
// Invariant: when it is lost nothing of it remains, here or in the hub.
import type { FlowLimits } from '../flow.js';
import { AT_CLIENT, Leg } from './leg.js';
import type { Peer } from './mesh.js';
import { type ControlRecord, encodeControl, type UpRecord } from './records.js';
import { RemoteClient } from './remote-client.js';

export class Neighbour {
  readonly peer: Peer;
  /** It has told us everything; 'serving': and it knew everything itself. */
  ready: boolean | 'serving' = false;
  /** The processes it knows. */
  members: readonly string[] = [];
  private readonly limits: FlowLimits;
  private readonly onPause: () => void;
  /** By its number of the connection. */
  private readonly clients = new Map<number, RemoteClient>();
  /** By our number of the connection. */
  private readonly legs = new Map<number, Leg>();

  constructor(peer: Peer, limits: FlowLimits, onPause: () => void) {
    this.peer = peer;
    this.limits = limits;
    this.onPause = onPause;
  }

  get clientCount(): number {
    return this.clients.size;
  }

  tell(record: ControlRecord): void {
    this.peer.send(encodeControl(record));
  }

  // --- its clients -----------------------------------------------------------------------------------------------------------------

  up({ connection, user, format }: UpRecord): RemoteClient {
    const client = new RemoteClient(this.peer, connection, user, format, this.limits, this.onPause);
    this.clients.set(connection, client);
    return client;
  }

  client(connection: number): RemoteClient | undefined {
    return this.clients.get(connection);
  }

  /** It is gone. @returns what it was here */
  down(connection: number): RemoteClient | undefined {
    const client = this.clients.get(connection);
    this.clients.delete(connection);
    client?.leg.close();
    return client;
  }

  connections(): number[] {
    return [...this.clients.keys()];
  }

  // --- ours ------------------------------------------------------------------------------------------------------------------------

  /** The way of one of our clients to its sessions. */
  leg(connection: number): Leg {
    let leg = this.legs.get(connection);
    if (leg === undefined) {
      leg = new Leg(this.peer, connection, AT_CLIENT, this.limits, this.onPause);
      this.legs.set(connection, leg);
    }
    return leg;
  }

  credited(connection: number, count: number): void {
    this.legs.get(connection)?.credited(count);
  }

  closeLeg(connection: number): void {
    this.legs.get(connection)?.close();
    this.legs.delete(connection);
  }

  closeLegs(): void {
    for (const connection of [...this.legs.keys()]) this.closeLeg(connection);
  }
}
