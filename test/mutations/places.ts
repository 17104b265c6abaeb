// Compiled files that are changed by several mutations, and tests that notice several.
export const CORE = 'native-free/channel/core';
export const OUTBOUND = 'native-free/session/outbound';
export const INBOUND = 'native-free/session/inbound';
export const RELAY_ENTRY = 'workers/relay/entry';
export const RELAY_ROUTER = 'workers/relay/router';
export const DROPS_EARLY_DATA = ['src/defects', 'drops Data before an Accept gets none, however late the peer comes'] as const;
export const EMPTY_PAYLOADS = ['src/defects', 'that sends an empty payload, a nil payload and noise loses nothing but those'] as const;
export const STOP_DELIVERS = [
  'src/interop-go',
  'delivers what was written, through a Go server that lets messages overtake each other, and crashes nobody',
] as const;
