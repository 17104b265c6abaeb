// The least a WebSocket server can do for a relay's load, as a process: whatever a client of a room sends goes to the others of the room, as it is.
// No sessions, no rights, no order to keep, no limits: the ceiling of the relay, with the same `ws` under it.
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

const rooms = new Map<string, Set<WebSocket>>();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, maxPayload: 8 * 1024 * 1024 });
server.on('listening', () => process.stdout.write(`listening http://127.0.0.1:${(server.address() as AddressInfo).port}\n`));
server.on('connection', (socket, request) => {
  const name = new URL(request.url ?? '/', 'http://hub').searchParams.get('room') ?? '';
  const room = rooms.get(name) ?? new Set();
  rooms.set(name, room.add(socket));
  socket.on('message', (message: Buffer) => {
    for (const other of room) if (other !== socket) other.send(message, { binary: true });
  });
  socket.on('close', () => room.delete(socket));
  socket.on('error', () => {});
});
// Ends with whoever started it.
process.stdin.on('end', () => process.exit(0)).resume();
