// ICE server URLs as configurations and relays give them: what the addon is given, what is left out and why, and what an offerer makes of TURN.
import { describe, expect, it } from 'vitest';
import { parseIceServers, withoutTurn } from '../../workers/lanes/ice-servers.js';

describe('ICE server URLs', () => {
  it('become servers, with credentials for TURN only', () => {
    const { servers, used, warnings } = parseIceServers(['stun:s.example', 'turn:t.example:3479?transport=udp'], 'user', 'secret');
    expect(servers).toEqual([
      { hostname: 's.example', port: 3478 },
      { hostname: 't.example', port: 3479, username: 'user', password: 'secret', relayType: 'TurnUdp' },
    ]);
    expect(used).toEqual(['stun:s.example', 'turn:t.example:3479?transport=udp']);
    expect(warnings).toEqual([]);
  });

  it.each(['turn:t.example', 'turns:t.example', 'turn:t.example?transport=tcp', 'http://t.example', 'turn:'])(
    'leave out %s with a reason',
    (url) => {
      const { servers, warnings } = parseIceServers([url], url === 'turn:t.example' ? '' : 'user', 'secret');
      expect(servers).toEqual([]);
      expect(warnings).toHaveLength(1);
    },
  );

  it('without TURN keep its servers for STUN, and nothing of what was no use anyway', () => {
    const urls = [
      'stun:s.example',
      ' turn:t.example:3479?transport=udp',
      'turn:[2001:db8::1]',
      'turns:t.example',
      'turn:t.example?transport=tcp',
    ];
    expect(withoutTurn(urls)).toEqual([
      'stun:s.example',
      'stun:t.example:3479',
      'stun:[2001:db8::1]',
      'turns:t.example',
      'turn:t.example?transport=tcp',
    ]);
    expect(parseIceServers(withoutTurn(urls), 'user', 'secret').servers).toEqual([
      { hostname: 's.example', port: 3478 },
      { hostname: 't.example', port: 3479 },
      { hostname: '2001:db8::1', port: 3478 },
    ]);
  });
});
