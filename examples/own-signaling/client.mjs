// A client with signaling of its own and hotlink inside: it answers questions of a peer, or asks them, and the peer's answers come over hotlink's lanes.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { createHotlink } from 'hotlink';
import { lineSignaling } from './line-signaling.mjs';

const { values, positionals } = parseArgs({ options: { email: { type: 'string' }, peer: { type: 'string' }, ask: { type: 'string' } }, allowPositionals: true });
const { email, peer, ask } = values;
const [host, port] = (positionals[0] ?? '').split(':');
if (!email || !peer || !port) {
  process.stderr.write('usage: node client.mjs --email E --peer P [--ask BYTES] HOST:PORT\n');
  process.exit(2);
}

const link = createHotlink({ email, signaling: lineSignaling({ host, port: Number(port) }) });
link.on('fatal', (error) => console.error(`${error.code}: ${error.message}`));
await link.start();
const stream = await link.connect({ peer, name: 'questions' });

if (ask === undefined) {
  // "How many bytes?" is the whole question.
  const [question] = await once(stream, 'data');
  const answer = randomBytes(Number(question));
  stream.end(answer);
  await once(stream.resume(), 'close');
  console.log(`answered ${answer.length} bytes, sha256 ${createHash('sha256').update(answer).digest('hex').slice(0, 12)}`);
} else {
  stream.end(ask);
  const digest = createHash('sha256');
  let bytes = 0;
  for await (const part of stream) {
    digest.update(part);
    bytes += part.length;
  }
  const lane = link.status().events.findLast(({ what, fields }) => what === 'lane' && fields.lane !== undefined)?.fields.lane;
  console.log(`got ${bytes} bytes, sha256 ${digest.digest('hex').slice(0, 12)}, over ${lane}; signaling by ${link.status().server}`);
}
await link.stop();
