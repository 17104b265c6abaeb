// A data channel as the bridge sees it, of either stack: created by the near end, met by the far one.
import { type DataChannel, type DescriptionType, PeerConnection } from 'node-datachannel';
import { type RTCDataChannel, RTCPeerConnection } from 'werift';
import type { EndMessage } from '../end-process.js';

const ANSWERER_HOLD_MS = 250;

export interface BareChannel {
  send(bytes: Buffer): void;
  /** A word in a text message. */
  sendWord(word: string): void;
  bufferedBytes(): number;
  onLow(handle: () => void): void;
  onMessage(handle: (message: Buffer | string) => void): void;
  onClosed(handle: () => void): void;
  close(): void;
}

export interface BareConnection {
  /** A channel that is open. */
  create(): Promise<BareChannel>;
  /** What the other end says: description or candidate. */
  handle(message: EndMessage): void;
  /** Near end: makes the first channel, so that there is something to negotiate; resolves when it is open. */
  begin(): Promise<BareChannel>;
}

export interface ConnectionOptions {
  address: string;
  mtu: number;
  lowBytes: number;
  say: (message: EndMessage) => void;
  met: (channel: BareChannel) => void;
}

export function nodeDataChannel({ address, mtu, lowBytes, say, met }: ConnectionOptions): BareConnection {
  const connection = new PeerConnection('bridge', { iceServers: [], mtu, bindAddress: address, maxMessageSize: 256 * 1024 });
  const early: EndMessage[] = [];
  let described = false;
  // Referenced until the end: a collected channel closes itself.
  const held = new Set<DataChannel>();
  const wrap = (channel: DataChannel): BareChannel => {
    held.add(channel);
    channel.setBufferedAmountLowThreshold(lowBytes);
    return {
      send: (bytes) => void channel.sendMessageBinary(bytes),
      sendWord: (word) => void channel.sendMessage(word),
      bufferedBytes: () => (channel.isOpen() ? channel.bufferedAmount() : 0),
      onLow: (handle) => channel.onBufferedAmountLow(handle),
      onMessage: (handle) => channel.onMessage((message) => handle(message as Buffer | string)),
      onClosed: (handle) =>
        channel.onClosed(() => {
          held.delete(channel);
          handle();
        }),
      close: () => channel.close(),
    };
  };
  const create = (): Promise<BareChannel> =>
    new Promise((resolve) => {
      const channel = connection.createDataChannel('bridge');
      held.add(channel);
      channel.onOpen(() => resolve(wrap(channel)));
    });
  const add = (message: EndMessage): void => {
    try {
      connection.addRemoteCandidate(message['candidate'] as string, message['mid'] as string);
    } catch {
      // Late on its way: the connection has what it needs.
    }
  };
  connection.onLocalDescription((sdp, type) => say({ kind: 'description', sdp, type }));
  connection.onLocalCandidate((candidate, mid) => say({ kind: 'candidate', candidate, mid }));
  connection.onDataChannel((channel) => met(wrap(channel)));
  return {
    create,
    begin: create,
    handle(message) {
      if (message.kind === 'description') {
        connection.setRemoteDescription(message['sdp'] as string, message['type'] as DescriptionType);
        const take = (): void => {
          described = true;
          for (const kept of early.splice(0)) add(kept);
        };
        // The answerer leaves the first connectivity check to the offerer, as in the product: otherwise its ClientHello may be lost.
        if (message['type'] === 'offer') setTimeout(take, ANSWERER_HOLD_MS);
        else take();
      } else if (message.kind === 'candidate') {
        if (described) add(message);
        else early.push(message);
      }
    },
  };
}

export function werift({ address, lowBytes, say, met }: ConnectionOptions): BareConnection {
  const loopback = address.startsWith('127.');
  const connection = new RTCPeerConnection({ iceServers: [], ...(loopback ? { iceAdditionalHostAddresses: [address] } : {}) });
  const wrap = (channel: RTCDataChannel): BareChannel => {
    channel.bufferedAmountLowThreshold = lowBytes;
    return {
      send: (bytes) => channel.send(bytes),
      sendWord: (word) => channel.send(word),
      bufferedBytes: () => channel.bufferedAmount,
      onLow: (handle) => void channel.bufferedAmountLow.subscribe(handle),
      onMessage: (handle) => void channel.onMessage.subscribe(handle),
      onClosed: (handle) =>
        void channel.stateChanged.subscribe((state) => {
          if (state === 'closed') handle();
        }),
      close: () => channel.close(),
    };
  };
  const create = (): Promise<BareChannel> =>
    new Promise((resolve) => {
      const channel = connection.createDataChannel('bridge');
      channel.stateChanged.subscribe((state) => {
        if (state === 'open') resolve(wrap(channel));
      });
    });
  const gathered = async (): Promise<void> => {
    // Candidates are in the description when gathering is over: no trickling to write here.
    while (connection.iceGatheringState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 5));
    const description = connection.localDescription;
    if (description !== undefined) say({ kind: 'description', sdp: description.sdp, type: description.type });
  };
  connection.onDataChannel.subscribe((channel) => met(wrap(channel)));
  return {
    create,
    async begin() {
      const first = create();
      await connection.setLocalDescription(await connection.createOffer());
      await gathered();
      return first;
    },
    handle(message) {
      if (message.kind !== 'description') return;
      const type = message['type'] as 'offer' | 'answer';
      void (async () => {
        await connection.setRemoteDescription({ type, sdp: message['sdp'] as string });
        if (type === 'answer') return;
        await connection.setLocalDescription(await connection.createAnswer());
        await gathered();
      })();
    },
  };
}
