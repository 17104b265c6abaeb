// A peer connection that was replaced still speaks: what its worker had said before it heard of the new one. Taken for the new one's, its description would
// go out as an offer that nobody could answer, and the lane would be gone until a deadline.
import { expect, it } from 'vitest';
import { type HotlinkMessage, iceUfrag, parseDescription } from '../../native-free/index.js';
import { systemClock } from '../../src/clock.js';
import { ChannelSessions } from '../../src/control/channel-sessions.js';
import { RtcExchanges } from '../../src/control/rtc-exchanges.js';

type Parts = ConstructorParameters<typeof RtcExchanges>;

const sdp = (ufrag: string): string => `v=0\r\na=ice-ufrag:${ufrag}\r\na=ice-pwd:secret\r\n`;

it('the words of a peer connection that was replaced are not taken for those of the new one', () => {
  /** By the user fragments that name them. */
  const offers: (string | undefined)[] = [];
  const options = {
    ...{ host: 'ours', mtu: 'auto', iceFilter: false, clock: systemClock, limits: { webrtcAllowed: true }, ice: { iceServers: [] } },
    marker: { peer: 'bob@example.com' },
  } as unknown as Parts[0];
  const events = {
    ...{ event: () => {}, trace: () => {}, changed: () => {} },
    send: (message: HotlinkMessage) => {
      if ('knd' in message && message.knd === 'sdp_offer') offers.push(iceUfrag(parseDescription(message.tok, 'offer') ?? ''));
    },
  } as unknown as Parts[4];
  const worker = { tell: () => {}, stopping: false } as unknown as Parts[2];
  const sessions = new ChannelSessions(options, worker, events);
  const rtc = new RtcExchanges(options, sessions, worker, { accepts: () => true, vouch: () => [] } as unknown as Parts[3], events);
  const sid = 'session-1';
  const peer = { kind: 'hotlink', host: 'theirs', instance: '00000001' } as const;
  const speaks = (ufrag: string): void => {
    rtc.handleWorker({ t: 'rtc-description', sid, type: 'offer', sdp: sdp(ufrag) }, 2);
    rtc.handleWorker({ t: 'rtc-gathered', sid, sdp: sdp(ufrag) }, 2);
    rtc.service(2);
  };

  rtc.inboundUp(sessions.add(sid, 'in', 'a/b/stream.tcp.request', peer), 0);
  rtc.renegotiate(1);
  rtc.renegotiate(1);
  for (const ufrag of ['first', 'second']) {
    rtc.handleWorker({ t: 'rtc-started', sid }, 2);
    speaks(ufrag);
  }
  expect(offers).toEqual([]);
  rtc.handleWorker({ t: 'rtc-started', sid }, 3);
  speaks('third');
  expect(offers).toEqual(['third']);
});
