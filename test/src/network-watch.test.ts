// A machine whose addresses change under a running program: what counts as a change, and what is only a container that came.
import { describe, expect, it } from 'vitest';
import type { InterfaceAddress } from '../../native-free/index.js';
import { type NetworkChange, NetworkWatch } from '../../src/control/network-watch.js';

const lo: InterfaceAddress = { name: 'lo', address: '127.0.0.1', internal: true };
const at = (address: string, name = 'eth0'): InterfaceAddress => ({ name, address, internal: false });

function watch(first: InterfaceAddress[]): { changes: NetworkChange[]; see: (now: InterfaceAddress[]) => void; stop: () => void } {
  let list = first;
  const changes: NetworkChange[] = [];
  const one = new NetworkWatch(
    (change) => changes.push(change),
    () => list,
  );
  return {
    changes,
    see: (now) => {
      list = now;
      one.look();
    },
    stop: () => one.stop(),
  };
}

describe('a machine', () => {
  it('that stays where it is changes nothing', () => {
    const { changes, see, stop } = watch([lo, at('192.0.2.1')]);
    see([at('192.0.2.1'), lo]);
    expect(changes).toEqual([]);
    stop();
  });

  it('that gets another address has lost one and won one', () => {
    const { changes, see, stop } = watch([lo, at('192.0.2.1')]);
    see([lo, at('192.0.2.7')]);
    expect(changes).toEqual([{ addresses: ['127.0.0.1', '192.0.2.7'], gone: ['192.0.2.1'], came: ['192.0.2.7'] }]);
    stop();
  });

  it('on which containers start and stop does not change', () => {
    const { changes, see, stop } = watch([lo, at('192.0.2.1')]);
    see([lo, at('192.0.2.1'), at('172.17.0.1', 'docker0'), at('fe80::1', 'veth1a2b')]);
    see([lo, at('192.0.2.1')]);
    expect(changes).toEqual([]);
    stop();
  });

  it('without any network for a while is waited for, and tells the whole way at once', () => {
    const { changes, see, stop } = watch([lo, at('192.0.2.1')]);
    see([lo]);
    expect(changes).toEqual([]);
    see([lo, at('198.51.100.1', 'wlan0')]);
    expect(changes).toMatchObject([{ gone: ['192.0.2.1'], came: ['198.51.100.1'] }]);
    stop();
  });

  it('that comes back to the network it left has not changed', () => {
    const { changes, see, stop } = watch([lo, at('192.0.2.1')]);
    see([lo]);
    see([lo, at('192.0.2.1')]);
    expect(changes).toEqual([]);
    stop();
  });
});
