// Every decoder of this program that reads what strangers, peers, relays or files say. Each is loaded when it is asked for, so that a process that
// fuzzes one instruments no more than that one needs.
import type { FuzzDecoder } from './decoder.js';

const FILES: Readonly<Record<string, () => Promise<object>>> = {
  envelope: () => import('./decoders/envelope.js'),
  frames: () => import('./decoders/frames.js'),
  'channel-core': () => import('./decoders/channel-core.js'),
  signals: () => import('./decoders/signals.js'),
  addon: () => import('./decoders/addon.js'),
  files: () => import('./decoders/files.js'),
  config: () => import('./decoders/config.js'),
  stun: () => import('./decoders/stun.js'),
  http: () => import('./decoders/http.js'),
  planted: () => import('./planted.js'),
};

/** Which file each is in, in the order of a full run. */
const DECODERS: Readonly<Record<string, string>> = {
  envelope: 'envelope',
  'envelope-text': 'envelope',
  'hlnk-frame': 'frames',
  'hlnk-stream': 'frames',
  'frame-reader': 'frames',
  'own-wire': 'frames',
  'sealed-frame': 'frames',
  'direct-greeting': 'frames',
  'ipc-preamble': 'frames',
  'channel-core': 'channel-core',
  negotiation: 'signals',
  'direct-signal': 'signals',
  'key-token': 'signals',
  'ice-servers': 'signals',
  'addon-sdp': 'addon',
  marker: 'files',
  path: 'files',
  glob: 'files',
  'acl-yaml': 'files',
  'config-file': 'config',
  settings: 'config',
  'stun-question': 'stun',
  'stun-answer': 'stun',
  'relay-request': 'http',
  'admin-request': 'http',
};

/** All but the planted ones. */
export const decoderNames: readonly string[] = Object.keys(DECODERS);

/** @throws Error when there is none of that name */
export async function loadDecoder(name: string): Promise<FuzzDecoder> {
  const file = FILES[name.startsWith('planted-') ? 'planted' : (DECODERS[name] ?? '')];
  const all = file === undefined ? [] : (Object.values(await file()) as FuzzDecoder[]);
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no decoder is called ${name}; there are ${decoderNames.join(' ')}`);
  return found;
}
