// Makes a party's two channels as BioVault lays them out: one marker per other party below the run's `_mpc`, ports by its formula, and the
// rules that let the others use them, in the folder and at the relay.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: Object.fromEntries(['party', 'emails', 'server', 'data', 'base-port', 'run'].map((name) => [name, { type: 'string' }])),
});
const emails = (values.emails ?? '').split(',');
const me = Number(values.party);
const base = Number(values['base-port']);
if (!values.party || emails[me] === undefined || emails.length !== 3 || !values.server || !values.data || !base || !values.run) {
  process.stderr.write('usage: node markers.mjs --party N --emails E0,E1,E2 --server URL --data DIR --base-port PORT --run ID\n');
  process.exit(2);
}

/** The number of a pair among all pairs: 0-1 is 1, 0-2 is 2, 1-2 is 3. */
const pair = (one, other) => {
  const [low, high] = [Math.min(one, other), Math.max(one, other)];
  return low * emails.length - (low * (low + 1)) / 2 + high - low;
};
/** Each party has its own thousand, so that all three may live on one machine. */
const portOf = (party, other) => base + 1000 * party + pair(party, other);

for (const other of [0, 1, 2].filter((party) => party !== me)) {
  const channel = `${emails[me]}/shared/flows/secure-aggregation/${values.run}/_mpc/${me}_to_${other}`;
  const directory = join(values.data, 'datasites', channel);
  const rules = JSON.stringify({
    rules: [{ pattern: '**', access: { admin: [emails[me]], read: [emails[me], emails[other]], write: [emails[me], emails[other]] } }],
  });
  const marker = {
    from: emails[me],
    to: emails[other],
    port: base + pair(me, other),
    ports: { [emails[me]]: portOf(me, other), [emails[other]]: portOf(other, me) },
    global_base: base,
    party_count: emails.length,
    local_party_id: me,
    remote_party_id: other,
  };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'syft.pub.yaml'), rules);
  writeFileSync(join(directory, 'stream.accept'), '1');
  await upload(`${channel}/syft.pub.yaml`, rules);
  // Last, since this is what the daemon waits for.
  writeFileSync(join(directory, 'stream.tcp'), `${JSON.stringify(marker, undefined, 1)}\n`);
  console.log(`--cp${other} 127.0.0.1:${portOf(me, other)}`);
}

async function upload(key, body) {
  const url = new URL('/api/v1/acl', values.server);
  url.search = new URLSearchParams({ user: emails[me], key }).toString();
  const headers = process.env.HOTLINK_TOKEN ? { authorization: `Bearer ${process.env.HOTLINK_TOKEN}` } : {};
  const answer = await fetch(url, { method: 'PUT', headers, body });
  if (answer.ok) return;
  process.stderr.write(`the relay refused the permissions: ${answer.status} ${await answer.text()}\n`);
  process.exit(77);
}
