// One end of a bare node-datachannel pair, a process of its own with nothing of ours in between: what the stack itself can do on this machine.
// The sender offers, fills the channel up to the same watermark as the product and waits for it to drain; the receiver counts bytes.
import { type DataChannel, type DescriptionType, PeerConnection } from 'node-datachannel';
import { nowMs } from '../src/bench/clock.js';
import type { BarePeerArguments, FromPeer, ToPeer } from './bare-messages.js';

/** The product's default watermarks, so that only what lies around the channel differs. */
const HIGH_BYTES = 1024 * 1024;
const LOW_BYTES = HIGH_BYTES / 2;

const { role, messageBytes, totalBytes, mtu } = JSON.parse(process.argv[2] ?? '{}') as BarePeerArguments;
const tell = (message: FromPeer): void => void process.send!(message);

// Referenced until the end: a collected connection closes itself.
const connection = new PeerConnection(role, { iceServers: [], mtu, maxMessageSize: 256 * 1024 });
let channel: DataChannel | undefined;
const early: ToPeer[] = [];
let described = false;

connection.onLocalDescription((sdp, type) => tell({ kind: 'description', sdp, type }));
connection.onLocalCandidate((candidate, mid) => tell({ kind: 'candidate', candidate, mid }));
process.on('message', (message: ToPeer) => {
  if (message.kind === 'description') {
    connection.setRemoteDescription(message.sdp, message.type as DescriptionType);
    described = true;
    for (const kept of early.splice(0)) add(kept);
  } else if (described) add(message);
  else early.push(message);
});
// The parent ends us; should it die, so do we.
process.on('disconnect', () => process.exit());

if (role === 'sender') {
  channel = connection.createDataChannel('bare');
  channel.onOpen(() => sendAll(channel!));
} else {
  connection.onDataChannel((opened) => {
    channel = opened;
    let bytes = 0;
    opened.onMessage((message) => {
      bytes += (message as Buffer).length;
      if (bytes === totalBytes) tell({ kind: 'received', atMs: nowMs(), bytes });
    });
  });
}

function add(message: ToPeer): void {
  if (message.kind !== 'candidate') return;
  try {
    connection.addRemoteCandidate(message.candidate, message.mid);
  } catch {
    // Late on its way: the connection has what it needs, or is closing.
  }
}

function sendAll(open: DataChannel): void {
  const message = Buffer.alloc(messageBytes, 0x5a);
  let leftBytes = totalBytes;
  const fill = (): void => {
    while (leftBytes > 0 && open.bufferedAmount() < HIGH_BYTES) {
      open.sendMessageBinary(leftBytes < messageBytes ? message.subarray(0, leftBytes) : message);
      leftBytes -= Math.min(leftBytes, messageBytes);
    }
  };
  open.setBufferedAmountLowThreshold(LOW_BYTES);
  open.onBufferedAmountLow(fill);
  tell({ kind: 'started', atMs: nowMs() });
  fill();
}
