// Copies a file to a peer, or takes one, with a line of progress: hotlink's stream in a pipeline of Node.js. What is sent ahead of the bytes is the size and
// the name; what comes back behind them is the receiver's digest, so both ends know that the copy is right.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createHotlink } from 'hotlink';

const { values } = parseArgs({
  options: Object.fromEntries(['email', 'server', 'peer', 'send', 'into'].map((name) => [name, { type: 'string' }])),
});
const { email, server, peer, send, into } = values;
if (!email || !server || !peer || (send === undefined) === (into === undefined)) {
  process.stderr.write('usage: node copy.mjs --email E --server URL --peer P (--send FILE | --into DIRECTORY)\n');
  process.exit(2);
}

async function sendFile(stream, file) {
  const { size } = await stat(file);
  const progress = new Progress('sent', size);
  stream.write(`${JSON.stringify({ size, name: basename(file) })}\n`);
  // Held up by the peer's disk, through the whole length of it. The receipt is read meanwhile: it comes over the other half of the stream.
  const [receipt] = await Promise.all([text(stream), pipeline(createReadStream(file), progress.through, stream)]);
  if (receipt !== progress.sha256) throw new Error(`the peer has something else, with SHA-256 ${receipt}`);
  return `copied ${size} bytes, sha256 ${receipt.slice(0, 12)}`;
}

async function receiveFile(stream, directory) {
  const { line, rest } = await firstLine(stream);
  const { size, name } = JSON.parse(line);
  const progress = new Progress('received', size);
  // The name is the peer's word: nothing but its last part counts, and no file is written over.
  const file = join(directory, basename(String(name)));
  await pipeline(rest, progress.through, createWriteStream(file, { flags: 'wx' }));
  if (progress.bytes !== size) throw new Error(`${progress.bytes} bytes came of ${size}`);
  stream.end(progress.sha256);
  // Once the peer has the receipt.
  await once(stream, 'close');
  return `received ${file}: ${size} bytes, sha256 ${progress.sha256.slice(0, 12)}`;
}

/** Passes bytes on, counts and digests them, and says how far it is, twice a second. */
class Progress {
  bytes = 0;
  sha256 = '';
  #verb;
  #total;
  #startedMs = performance.now();

  constructor(verb, total) {
    this.#verb = verb;
    this.#total = total;
  }

  through = async function* (source) {
    const hash = createHash('sha256');
    let saidMs = this.#startedMs;
    for await (const part of source) {
      hash.update(part);
      this.bytes += part.length;
      if (performance.now() - saidMs >= 500) {
        saidMs = performance.now();
        this.#say('');
      }
      yield part;
    }
    this.sha256 = hash.digest('hex');
    this.#say('\n');
  }.bind(this);

  #say(end) {
    const seconds = Math.max(0.001, (performance.now() - this.#startedMs) / 1000);
    const percent = Math.floor((this.bytes / Math.max(1, this.#total)) * 100);
    const rate = (this.bytes / 1_048_576 / seconds).toFixed(1);
    process.stderr.write(`\r${this.#verb} ${this.bytes} of ${this.#total} bytes (${percent} %), ${rate} MiB/s${end}`);
  }
}

/** The first line of a stream, and what comes behind it. Leaves the stream's other half open. */
async function firstLine(stream) {
  const parts = stream.iterator({ destroyOnReturn: false });
  let head = Buffer.alloc(0);
  while (!head.includes('\n')) {
    const { done, value } = await parts.next();
    if (done || head.length > 4096) throw new Error('the peer sent no file');
    head = Buffer.concat([head, value]);
  }
  const end = head.indexOf('\n');
  async function* rest() {
    yield head.subarray(end + 1);
    yield* parts;
  }
  return { line: head.subarray(0, end).toString(), rest };
}

const link = createHotlink({ email, server });
link.on('fatal', (error) => console.error(`${error.code}: ${error.message}`));
// Ctrl-C ends the copy as a reset, which the other side hears of.
process.once('SIGINT', () => void link.stop());
try {
  await link.start();
  const stream = await link.connect({ peer, name: 'copy' });
  console.log(send === undefined ? await receiveFile(stream, into) : await sendFile(stream, send));
} catch (error) {
  console.error(`the copy failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  await link.stop();
}
