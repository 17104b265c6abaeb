// Makes a party's channels: one marker per other party in its own datasite, and the rule at the relay that lets the others use them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    me: { type: 'string' },
    parties: { type: 'string' },
    server: { type: 'string' },
    data: { type: 'string' },
    'base-port': { type: 'string' },
  },
});
const parties = (values.parties ?? '').split(',');
const me = Number(values.me);
const email = parties[me];
if (email === undefined || !values.server || !values.data || !values['base-port']) {
  process.stderr.write('usage: node join.mjs --me N --parties EMAIL,EMAIL,… --server URL --data DIR --base-port PORT\n');
  process.exit(2);
}

const folder = `${email}/app_data/sum`;
parties.forEach((peer, index) => {
  if (index === me) return;
  const directory = join(values.data, 'datasites', folder, '_mpc', `${me}_to_${index}`);
  mkdirSync(directory, { recursive: true });
  const marker = { from: email, to: peer, port: Number(values['base-port']) + index };
  writeFileSync(join(directory, 'stream.tcp'), `${JSON.stringify(marker)}\n`);
});

const everybody = JSON.stringify(parties);
const rules = `rules:\n  - pattern: '**'\n    access: { admin: ["${email}"], read: ${everybody}, write: ${everybody} }\n`;
const headers = process.env.HOTLINK_TOKEN ? { authorization: `Bearer ${process.env.HOTLINK_TOKEN}` } : {};
const url = new URL('/api/v1/acl', values.server);
url.search = new URLSearchParams({ user: email, key: `${folder}/syft.pub.yaml` }).toString();
const answer = await fetch(url, { method: 'PUT', headers, body: rules });
if (!answer.ok) {
  process.stderr.write(`the relay refused the permissions: ${answer.status} ${await answer.text()}\n`);
  process.exit(77);
}
