// Who takes part, in the order of the tables: the ceiling, ours, then what ours is compared with.
import type { Contender } from '../contender.js';
import { dataChannelBridge, weriftBridge } from './channel-bridge.js';
import { hotlink } from './hotlink.js';
import { plainTcp } from './plain.js';
import { sshForward } from './ssh.js';
import { tlsProxy } from './tls-proxy.js';
import { wsChain } from './ws-chain.js';

export const OUR_LANES: readonly Contender[] = (['direct', 'webrtc', 'relay'] as const).map((lane) => hotlink({ lane }));

export const CONTENDERS: readonly Contender[] = [plainTcp, ...OUR_LANES, sshForward, tlsProxy, dataChannelBridge, wsChain, weriftBridge];
