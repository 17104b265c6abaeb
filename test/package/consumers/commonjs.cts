// A CommonJS TypeScript program: types by `import type`, the module by a dynamic import, or required where Node can do that.
import type { Hotlink, HotlinkOptions } from 'hotlink' with { 'resolution-mode': 'import' };

async function open(options: HotlinkOptions): Promise<Hotlink> {
  const { createHotlink, HotlinkError } = await import('hotlink');
  const { startRelay } = await import('hotlink/relay');
  const { encodeFrame } = await import('hotlink/native-free');
  const relay = await startRelay({ listen: '127.0.0.1:0' });
  const frame: Uint8Array = encodeFrame('a@example.com/x', '', 1, new Uint8Array(1));
  if (frame.length === 0) throw new HotlinkError('ERR_HLNK_INTERNAL', 'no frame');
  // @ts-expect-error checked here too
  createHotlink({ server: relay.url });
  return createHotlink({ ...options, server: relay.url });
}

import required = require('hotlink');

export = { open, code: (error: unknown): string => (error instanceof required.HotlinkError ? error.code : '') };
