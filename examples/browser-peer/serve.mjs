// Serves the page and, in the same HTTP server, the relay that it talks to: a page may connect to a relay of its own host without more ado.
// Modules are served as they lie in the packages; nothing is bundled.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { attachRelay } from 'hotlink/relay';

const { values } = parseArgs({ options: { listen: { type: 'string', default: '127.0.0.1:8080' } } });
const [, host, port] = /^(.+):(\d+)$/.exec(values.listen) ?? [];
if (host === undefined) {
  process.stderr.write('usage: node serve.mjs [--listen HOST:PORT]\n');
  process.exit(2);
}

const folders = {
  '/native-free/': dirname(fileURLToPath(import.meta.resolve('hotlink/native-free'))),
  '/msgpack/': join(dirname(createRequire(import.meta.resolve('hotlink')).resolve('@msgpack/msgpack/package.json')), 'dist.esm'),
  '/': import.meta.dirname,
};
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript' };

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://page');
  const asked = pathname === '/' ? '/index.html' : pathname;
  const [prefix, folder] = Object.entries(folders).find(([start]) => asked.startsWith(start));
  const file = normalize(join(folder, asked.slice(prefix.length)));
  const type = types[extname(file)];
  try {
    if (type === undefined || !file.startsWith(folder + sep)) throw new Error('not served');
    const content = await readFile(file);
    response.writeHead(200, { 'content-type': type }).end(content);
  } catch {
    response.writeHead(404).end();
  }
});
const relay = await attachRelay(server);
server.listen(Number(port), host, () => console.log(`listening http://${host}:${server.address().port}`));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await relay.close();
    server.close();
    server.closeAllConnections();
  });
}
