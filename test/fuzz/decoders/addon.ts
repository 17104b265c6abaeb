// What a peer's words become inside the WebRTC addon, whose C++ ends the whole process when an exception leaves it: descriptions and candidates
// on the way they really take, through the exchange's machine into a real peer connection, which is bound to 127.0.0.1.
import { Negotiation } from '../../../native-free/index.js';
import { type Addon, cleanupAddon, loadAddon } from '../../../workers/addon.js';
import { WebRtcLane } from '../../../workers/lanes/webrtc.js';
import { bytesOf, type FuzzDecoder, hold, textOf } from '../decoder.js';
import { CANDIDATES, OFFER, SDP_WORDS } from './sdp-samples.js';

let addon: Addon | undefined;
/** The connection that takes inputs until one of them has been taken as a description. */
let lane: WebRtcLane | undefined;
let role: 'offerer' | 'answerer' = 'answerer';

function laneFor(wanted: 'offerer' | 'answerer'): WebRtcLane {
  if (lane !== undefined && role === wanted) return lane;
  lane?.close();
  role = wanted;
  const silent = (): void => {};
  lane = new WebRtcLane(
    addon as Addon,
    {
      sid: 'fuzz-fuzz',
      role,
      own: true,
      probed: false,
      mtu: 1280,
      loopback: true,
      datagrams: true,
      ice: { iceServers: [] },
      settings: { bufferedHighBytes: 1_048_576, backpressureWaitMs: 1500 } as never,
    },
    {
      description: silent,
      candidate: silent,
      gathered: silent,
      open: silent,
      closed: silent,
      frame: silent,
      writable: silent,
      stalled: silent,
      datagram: silent,
    },
  );
  return lane;
}

/** Texts between NULs: a description, then candidates, each behind its mid and a tab. */
export const addonSdp: FuzzDecoder = {
  name: 'addon-sdp',
  what: 'descriptions and candidates all the way into the WebRTC addon',
  maxBytes: 2048,
  inputMs: 2000,
  words: SDP_WORDS,
  seeds: () => [
    bytesOf([OFFER, ...CANDIDATES.map((candidate) => `0\t${candidate}`)].join('\0')),
    bytesOf([OFFER.replace('actpass', 'active'), `\t${CANDIDATES[0]}`].join('\0')),
    bytesOf(OFFER.replaceAll('\r\n', '\n')),
  ],
  async start() {
    addon = loadAddon();
  },
  check(input) {
    const [first = '', ...rest] = textOf(input).split('\0');
    const wanted = first.length % 4 === 3 ? 'offerer' : 'answerer';
    const machine = new Negotiation({ role: wanted });
    machine.start(0);
    machine.handleLocalDescription(wanted === 'offerer' ? 'offer' : 'answer', OFFER, 0);
    machine.handleTimeout(5000);
    machine.handleSignal(wanted === 'offerer' ? 'sdp_answer' : 'sdp_offer', JSON.stringify({ sdp: first }), undefined, 5000);
    for (const line of rest.slice(0, 20)) {
      const [mid = '', candidate = ''] = line.split('\t');
      machine.handleSignal('ice_candidate', JSON.stringify({ candidate, sdpMid: mid }), undefined, 5000);
    }
    let taken = false;
    for (let output = machine.poll(); output !== undefined; output = machine.poll()) {
      if (output.kind === 'set-remote') {
        const refusal = laneFor(wanted).setRemote(output.type, output.sdp);
        hold(refusal !== '', 'a refusal says why');
        taken = refusal === undefined;
      } else if (output.kind === 'add-candidate' && lane !== undefined) lane.addCandidate(output.candidate, output.mid);
    }
    if (!taken) return;
    lane?.close();
    lane = undefined;
  },
  async stop() {
    lane?.close();
    lane = undefined;
    cleanupAddon();
  },
};
