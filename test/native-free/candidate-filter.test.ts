// Which candidates are not worth a check: what only leads to one's own containers, or no further than the cable.
import { describe, expect, it } from 'vitest';
import { CandidateFilter, type InterfaceAddress } from '../../native-free/index.js';

const lan: InterfaceAddress = { name: 'eth0', address: '192.168.1.2', internal: false };
const docker: InterfaceAddress = { name: 'docker0', address: '172.17.0.1', internal: false };
const compose: InterfaceAddress = { name: 'br-0123456789ab', address: '172.18.0.1', internal: false };
const linkLocal: InterfaceAddress = { name: 'eth0', address: 'fe80::1', internal: false };
const loopback: InterfaceAddress = { name: 'lo', address: '127.0.0.1', internal: true };
const candidate = (address: string, kind = 'host'): string => `candidate:1 1 UDP 2114977791 ${address} 40000 typ ${kind}`;

describe('a candidate', () => {
  const filter = new CandidateFilter([loopback, lan, docker, compose, linkLocal], true);

  it.each([
    ['of a container bridge', candidate('172.17.0.1'), true],
    ['of a compose network’s bridge', candidate('172.18.0.1'), true],
    ['that is link-local, IPv6', candidate('fe80::1234'), true],
    ['that is link-local, IPv4', candidate('169.254.3.4'), true],
    ['written as an SDP attribute', `a=${candidate('172.17.0.1')}`, true],
    ['of the LAN', candidate('192.168.1.2'), false],
    ['of the peer, in a container network that only looks like ours', candidate('172.17.0.2'), false],
    ['of this machine’s loopback, for two ends of one machine', candidate('127.0.0.1'), false],
    ['that STUN found', candidate('169.254.3.4', 'srflx'), false],
    ['that cannot be read', 'candidate:', false],
  ])('%s: refused %j', (_name, text, refused) => {
    expect(filter.refuses(text)).toBe(refused);
  });

  it('is cut out of a description, and nothing else is', () => {
    const head = 'v=0\r\na=mid:0\r\n';
    const [bad, good] = [`a=${candidate('172.17.0.1')}\r\n`, `a=${candidate('192.168.1.2')}\r\n`];
    expect(filter.strip(`${head}${bad}${good}a=end-of-candidates\r\n`)).toBe(`${head}${good}a=end-of-candidates\r\n`);
  });

  it('is kept when there is no other: two machines on one cable, or a machine with nothing but containers', () => {
    expect(new CandidateFilter([loopback, linkLocal], true).refuses(candidate('fe80::1234'))).toBe(false);
    expect(new CandidateFilter([loopback, docker], true).refuses(candidate('172.17.0.1'))).toBe(false);
  });

  it('is kept when the filter is off', () => {
    const off = new CandidateFilter([lan, docker], false);
    expect([off.refuses(candidate('172.17.0.1')), off.strip(`a=${candidate('172.17.0.1')}\r\n`)]).toEqual([
      false,
      `a=${candidate('172.17.0.1')}\r\n`,
    ]);
  });

  it.each(['eth0', 'wlan0', 'br-lan', 'br0', 'enp3s0', 'tailscale0', 'wg0'])('of %s counts, whatever its address', (name) => {
    const filter2 = new CandidateFilter([lan, { name, address: '10.0.0.1', internal: false }], true);
    expect(filter2.refuses(candidate('10.0.0.1'))).toBe(false);
  });
});
