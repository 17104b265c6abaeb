// A STUN responder: tells whoever asks from which address the question came (RFC 8489 §7.3.1, §14.2). UDP, stateless.
// Invariant: an answer is at most 2.2 times its question, and only a well-formed binding request gets one.
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { RelayCounters } from './counters.js';

const HEADER_BYTES = 20;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const MAGIC_COOKIE = 0x2112a442;
const XOR_MAPPED_ADDRESS = 0x0020;

export interface StunResponder {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Bind and answer.
 * @param host address to bind; port 0 lets the system choose
 */
export async function startStun(host: string, port: number, counters: RelayCounters): Promise<StunResponder> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  await bind(socket, host, port);
  socket.on('message', (question, from) => {
    const answer = answerStun(question, from.address, from.port);
    if (answer === undefined) {
      counters.stunIgnored++;
      return;
    }
    counters.stunRequests++;
    // A lost answer is repeated by the asker's own timer.
    socket.send(answer, from.port, from.address, () => {});
  });
  // A UDP socket reports the ICMP errors of earlier answers; none of them concerns the next asker.
  socket.on('error', () => {});
  return {
    port: socket.address().port,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

/**
 * The answer to one datagram.
 * @param address of the asker, IPv4 or IPv6 text
 * @returns undefined when the datagram is not a binding request, or nobody can be answered there
 */
export function answerStun(question: Uint8Array, address: string, port: number): Uint8Array | undefined {
  // Port 0 is one that nobody can be answered at: sending to it throws, and whoever writes his own packets can send from it.
  if (question.length < HEADER_BYTES || port === 0) return undefined;
  const asked = new DataView(question.buffer, question.byteOffset, question.byteLength);
  if (asked.getUint16(0) !== BINDING_REQUEST || asked.getUint32(4) !== MAGIC_COOKIE) return undefined;
  const bodyBytes = asked.getUint16(2);
  if (bodyBytes % 4 !== 0 || bodyBytes !== question.length - HEADER_BYTES) return undefined;
  const raw = parseAddress(address);
  if (raw === undefined) return undefined;

  const answer = new Uint8Array(HEADER_BYTES + 8 + raw.length);
  const view = new DataView(answer.buffer);
  view.setUint16(0, BINDING_SUCCESS);
  view.setUint16(2, 8 + raw.length);
  answer.set(question.subarray(4, HEADER_BYTES), 4); // cookie and transaction id, which also are the mask of the address
  view.setUint16(20, XOR_MAPPED_ADDRESS);
  view.setUint16(22, 4 + raw.length);
  answer[25] = raw.length === 4 ? 1 : 2;
  view.setUint16(26, port ^ (MAGIC_COOKIE >>> 16));
  for (let i = 0; i < raw.length; i++) answer[28 + i] = (raw[i] as number) ^ (answer[4 + i] as number);
  return answer;
}

/** 4 or 16 bytes in network order. A dual-stack socket shows IPv4 askers as `::ffff:a.b.c.d`; they are told their IPv4 address. */
export function parseAddress(text: string): Uint8Array | undefined {
  const dotted = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/i.exec(text);
  if (dotted !== null) return Uint8Array.from(dotted.slice(1).map(Number));
  const plain = text.replace(/%.*$/, '');
  if (!isIPv6(plain) || plain.includes('.')) return undefined;
  const [head = '', tail] = plain.split('::');
  const groupsOf = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const groups = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

function bind(socket: Socket, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}
