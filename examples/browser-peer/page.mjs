// What the page does with its peer: `?email=…&peer=…&name=…` in its address say whom it talks to as whom, `bytes=` how much it sends, and
// `lanes=webrtc` or `lanes=relay` that nothing else may carry it. The title becomes `ok` or `failed`.
import { BrowserPeer, iceServersOf } from './peer.mjs';

const query = new URLSearchParams(location.search);
const [email, peer, name] = ['email', 'peer', 'name'].map((word) => query.get(word) ?? '');
const bytes = Number(query.get('bytes') ?? 8_000_000);
const lanes = (query.get('lanes') ?? 'webrtc,relay').split(',');
const PIECE_BYTES = 65_536;

const log = (line) => {
  document.querySelector('#log').append(`${line}\n`);
};

async function sha256(parts) {
  const digest = await crypto.subtle.digest('SHA-256', await new Blob(parts).arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function send(writable, parts) {
  const writer = writable.getWriter();
  for (const part of parts) {
    await writer.ready;
    await writer.write(part);
  }
  await writer.close();
}

async function receive(readable, watch) {
  const parts = [];
  for (let reader = readable.getReader(); ; ) {
    const { value, done } = await reader.read();
    if (done) return parts;
    watch();
    parts.push(value);
  }
}

async function main() {
  if (!email || !peer || !name) throw new Error('the address needs ?email=…&peer=…&name=…');
  const relay = location.origin;
  const rtc = { iceServers: await iceServersOf(relay, email) };
  const link = new BrowserPeer({ relay, email, peer, name, lanes, rtc, log });
  const parts = [];
  for (let left = bytes; left > 0; left -= PIECE_BYTES) parts.push(crypto.getRandomValues(new Uint8Array(Math.min(left, PIECE_BYTES))));
  const { readable, writable } = link.open();
  const carried = new Set();
  const began = performance.now();
  const [echo] = await Promise.all([receive(readable, () => carried.add(link.lane)), send(writable, parts)]);
  const seconds = (performance.now() - began) / 1000;
  const [there, back] = await Promise.all([sha256(parts), sha256(echo)]);
  log(`${bytes} bytes there and back over ${[...carried].join(', then ')} in ${seconds.toFixed(1)} s, sha256 ${back}`);
  link.close();
  if (there !== back) throw new Error(`what came back is not what went out, whose sha256 is ${there}`);
}

try {
  await main();
  document.title = 'ok';
} catch (error) {
  log(String(error));
  document.title = 'failed';
}
