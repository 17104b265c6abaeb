// Hands lines on between clients: `PEER TEXT` from one becomes `SENDER TEXT` at the other. A client's first line is its name, which a real one would have
// to prove. Knows nothing of hotlink, and sees no payload. Prints its port.
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

const clients = new Map();
const server = createServer((socket) => {
  let name;
  socket.on('error', () => {});
  socket.on('close', () => {
    if (clients.get(name) === socket) clients.delete(name);
  });
  createInterface({ input: socket }).on('line', (line) => {
    if (name === undefined) {
      name = line;
      clients.set(name, socket);
    } else {
      const at = line.indexOf(' ');
      clients.get(line.slice(0, at))?.write(`${name}${line.slice(at)}\n`);
    }
  });
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => console.log(server.address().port));
