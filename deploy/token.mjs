// Makes a client's access token where the relay's secret is: `node token.mjs EMAIL DAYS`, with HOTLINK_RELAY_AUTH_SECRET in the environment.
import { mintAccessToken } from 'hotlink/relay';

const [email, days] = process.argv.slice(2);
const secret = process.env.HOTLINK_RELAY_AUTH_SECRET;
if (email === undefined || !(Number(days) > 0) || !secret) {
  process.stderr.write('usage: HOTLINK_RELAY_AUTH_SECRET=… node token.mjs EMAIL DAYS\n');
  process.exit(2);
}
const now = Date.now();
process.stdout.write(`${mintAccessToken(email, secret, now, now + Number(days) * 86_400_000)}\n`);
