// Signaling for hotlink over one plain TCP connection to a switchboard: an envelope is a line, `PEER BASE64\n` on the way out and the same with the sender's
// name on the way in. The first line says who we are. What a client with a connection of its own would do instead: wrap envelopes into its messages.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** @returns what createHotlink takes as `signaling` @param {{ host: string, port: number }} where the switchboard listens */
export function lineSignaling({ host, port }) {
  let socket;
  let retry;
  let closed = false;
  const dial = (hotlink) => {
    let why = 'the switchboard closed the connection';
    socket = connect(port, host, () => {
      socket.write(`${hotlink.email}\n`);
      hotlink.up();
    });
    socket.on('error', (error) => {
      why = error.message;
    });
    socket.on('close', () => {
      if (closed) return;
      hotlink.down(why);
      retry = setTimeout(() => dial(hotlink), 250);
    });
    createInterface({ input: socket }).on('line', (line) => {
      // The switchboard answers for the name: it wrote it.
      const [from, envelope] = line.split(' ');
      hotlink.receive(Buffer.from(envelope ?? '', 'base64'), from);
    });
  };
  return {
    name: `switchboard ${host}:${port}`,
    connect: dial,
    send(envelope, { peer }) {
      socket.write(`${peer} ${Buffer.from(envelope).toString('base64')}\n`);
    },
    close() {
      closed = true;
      clearTimeout(retry);
      return new Promise((resolve) => {
        if (socket.closed) return resolve();
        socket.on('close', resolve);
        socket.end();
        // What others still have to say to us is not waited for.
        socket.resume();
      });
    },
  };
}
