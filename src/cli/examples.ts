// Examples under each verb's help. Complete commands, as a person would type them.

export const examples: Readonly<Record<string, readonly string[]>> = {
  relay: [
    'hotlink relay --listen 127.0.0.1:8080 --stun 127.0.0.1:3478',
    'hotlink relay --listen 0.0.0.0:443 --tls-cert fullchain.pem --tls-key privkey.pem --tokens tokens --data /var/lib/hotlink-relay',
  ],
  token: [
    'hotlink token --email alice@example.com --tokens tokens --days 365',
    'hotlink token --email alice@example.com --secret-file secrets --days 30',
  ],
  up: [
    'hotlink up --email alice@example.com --server https://relay.example.com --data ~/SyftBox',
    'hotlink up --config /etc/hotlink.yaml    # kill -HUP reads the file again',
  ],
  forward: [
    'hotlink forward --email db@example.com --server https://relay.example.com --peer app@example.com --name pg --dial 127.0.0.1:5432',
    'hotlink forward --email app@example.com --server https://relay.example.com --peer db@example.com --name pg --listen 127.0.0.1:5432',
  ],
  pipe: [
    'tar c photos | hotlink pipe --email alice@example.com --server https://relay.example.com --peer bob@example.com --name photos',
    'hotlink pipe --email bob@example.com --server https://relay.example.com --peer alice@example.com --name photos < /dev/null | tar x',
  ],
  status: [
    'hotlink status',
    'hotlink status --data ~/SyftBox --watch',
    "hotlink status --json | jq '.channels[] | {name, peer, lane, lanes}'",
  ],
  dashboard: ['hotlink dashboard', 'hotlink dashboard --data ~/SyftBox --port 8090'],
  top: ['hotlink top', 'hotlink top --data ~/SyftBox'],
  ping: [
    'hotlink ping --data ~/SyftBox --peer bob@example.com',
    'hotlink ping --email alice@example.com --server https://relay.example.com --peer bob@example.com --count 10 --interval 200',
  ],
  doctor: [
    'hotlink doctor --data ~/SyftBox',
    'hotlink doctor --email alice@example.com --server https://relay.example.com --peer bob@example.com',
    'hotlink doctor --data ~/SyftBox --bundle hotlink-report.tar.gz',
  ],
  profile: ['hotlink profile --seconds 10', 'hotlink profile --data ~/SyftBox --seconds 30 --out profiles'],
  demo: ['hotlink demo', 'hotlink demo --count 200 --json'],
  'bench burst': ['hotlink bench burst --lane webrtc', 'hotlink bench burst --lane relay --links 1 --json'],
  'bench stream': ['hotlink bench stream --lane direct', 'hotlink bench stream --lane webrtc --both-ways --json'],
  'bench pingpong': ['hotlink bench pingpong --size 1024', 'hotlink bench pingpong --lane direct --no-nodelay --json'],
  'bench channels': ['hotlink bench channels --channels 8 --mib 256'],
  'config show': ['hotlink config show', 'hotlink config show --config /etc/hotlink.yaml --json'],
  'config check': ['hotlink config check --config /etc/hotlink.yaml'],
  'config schema': ['hotlink config schema > hotlink.schema.json'],
  completion: [
    'source <(hotlink completion bash)',
    'hotlink completion zsh > ~/.zfunc/_hotlink',
    'hotlink completion fish > ~/.config/fish/completions/hotlink.fish',
  ],
};

/** Text for the end of a verb's help; empty where there is none. @param path the verb with its parents, e.g. `bench burst` */
export function examplesText(path: string): string {
  const lines = examples[path];
  return lines === undefined ? '' : `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`;
}
