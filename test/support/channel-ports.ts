// The ports of a channel core whose owner does nothing.
import type { ChannelPorts } from '../../native-free/channel/index.js';

export const QUIET_PORTS: ChannelPorts = {
  deliver: () => {},
  opened: () => {},
  ended: () => {},
  reset: () => {},
  room: () => {},
  sendingDone: () => {},
  wantSession: () => {},
  wantRelay: () => {},
  peerRestarted: () => {},
  failed: () => {},
  refused: () => {},
  carries: () => {},
};
