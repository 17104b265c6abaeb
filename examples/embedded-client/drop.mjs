// Sends a file to a peer, or takes one: hotlink as a library, with a stream of its own instead of a port.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createHotlink } from 'hotlink';

const { values } = parseArgs({
  options: Object.fromEntries(['email', 'server', 'peer', 'send', 'receive'].map((name) => [name, { type: 'string' }])),
});
const { email, server, peer, send, receive } = values;
if (!email || !server || !peer || (send === undefined) === (receive === undefined)) {
  process.stderr.write('usage: node drop.mjs --email E --server URL --peer P (--send FILE | --receive FILE)\n');
  process.exit(2);
}

const log = { debug() {}, info() {}, warn: (fields, text) => console.error(text, fields), error: (fields, text) => console.error(text, fields) };
const token = process.env.HOTLINK_TOKEN;
const link = createHotlink({ email, server, log, ...(token ? { token } : {}) });
link.on('fatal', (error) => {
  console.error(`${error.code}: ${error.message}`);
  process.exit(1);
});
await link.start();

const stream = await link.connect({ peer, name: 'drop' });
const digest = createHash('sha256');
let bytes = 0;
const lanes = new Set();
async function* watched(source) {
  for await (const part of source) {
    digest.update(part);
    bytes += part.length;
    for (const { lane } of link.status().channels) if (lane !== undefined) lanes.add(lane);
    yield part;
  }
}

if (send !== undefined) {
  // Its end comes once the peer has everything.
  stream.resume();
  await pipeline(createReadStream(send), watched, stream);
} else {
  stream.end();
  await pipeline(stream, watched, createWriteStream(receive));
}
for (const { lane } of link.status().channels) if (lane !== undefined) lanes.add(lane);
console.log(`${send === undefined ? 'received' : 'sent'} ${bytes} bytes, sha256 ${digest.digest('hex').slice(0, 12)}, over ${[...lanes].join(', then ')}`);
await link.stop();
