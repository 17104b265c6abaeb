// One party of a secure aggregation: CP0 deals, CP1 and CP2 own counts. Knows TCP and nothing of hotlink: each other party is a host:port.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { exchangeKeys, FULL_COUNT, receivePublicKey } from './keys.mjs';
import { Link } from './link.mjs';
import { Phases } from './phases.mjs';
import { add, elementsOf, fromDecimals, toDecimals } from './ring.mjs';
import { deal, multiplyShared, reveal, shareInputs, Triples } from './shares.mjs';

const USAGE = `usage: node party.mjs --party 0 --cp1 HOST:PORT --cp2 HOST:PORT
       node party.mjs --party 1 --cp0 HOST:PORT --cp2 HOST:PORT --counts FILE [--disclose FILE] [--key-exchange [N]]
       node party.mjs --party 2 --cp0 HOST:PORT --cp1 HOST:PORT --counts FILE [--disclose FILE] [--key-exchange [N]]
  --counts FILE         JSON array of numbers from 0 to 2^64 - 1
  --disclose FILE       JSON array of 0 and 1: positions whose sum may be seen (default: all); seen is what both owners allow
  --key-exchange [N]    first the traffic of a key exchange, N messages each way (default ${FULL_COUNT})
  --out FILE            write the result there as well
  --json                print one JSON value
`;
/** Longer results are printed as a digest. */
const SHOWN_ELEMENTS = 20;

const options = readOptions();
const { party } = options;
const [lower, higher] = [0, 1, 2].filter((other) => other !== party);
const phases = new Phases((phase) => process.stderr.write(`CP${party}: ${phase}\n`));
const links = {};
try {
  const started = performance.now();
  const peers = await phases.run('connect', connectAll);
  const result = party === 0 ? await runDealer(peers) : await runOwner(peers);
  await phases.run('end', () => Promise.all(Object.values(links).map((link) => link.end())));
  print(result, performance.now() - started);
} catch (error) {
  process.stderr.write(`CP${party}: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  for (const link of Object.values(links)) link.destroy();
}

/** One after the other, the lower number first, as Sequre does. @returns what the others said of themselves, by number */
async function connectAll() {
  for (const other of [lower, higher]) links[other] = await Link.dial(options.addresses[other], `CP${other}`);
  phases.watch(Object.values(links));
  const own = { party, elements: options.counts?.length, keyExchange: options.keyExchange, keySeed: randomBytes(32).toString('hex') };
  const words = { [party]: own };
  for (const other of [lower, higher]) await links[other].send(Buffer.from(JSON.stringify(own)));
  for (const other of [lower, higher]) words[other] = JSON.parse(await links[other].receive());
  for (const other of [lower, higher]) {
    if (words[other].party !== other) throw new Error(`at ${options.addresses[other]} is CP${words[other].party}, not CP${other}`);
  }
  for (const what of ['elements', 'keyExchange']) {
    const [first, second] = [words[1][what], words[2][what]];
    if (first !== second) throw new Error(`the owners do not agree on ${what}: ${first} and ${second}`);
  }
  return words;
}

/** Two multiplications for each element. */
async function runDealer(peers) {
  const { elements, keyExchange } = peers[1];
  if (keyExchange > 0) {
    await phases.run('key exchange', () => receivePublicKey({ first: links[1], seeds: seedsOf(peers), count: keyExchange }));
  }
  await phases.run('deal', () => deal(links[1], links[2], 2 * elements));
  return await phases.run('reveal', async () => elementsOf(await links[1].receive()));
}

async function runOwner(peers) {
  const { counts, disclose, keyExchange } = options;
  const elements = counts.length;
  const first = party === 1;
  const [dealer, peer] = [links[0], links[first ? 2 : 1]];
  if (keyExchange > 0) {
    await phases.run('key exchange', () => exchangeKeys({ party, peer, dealer, seeds: seedsOf(peers), count: keyExchange }));
  }
  const triples = await phases.run('deal', () => Triples.receive(dealer, first, 2 * elements));
  const [own, theirs] = await phases.run('share', () => shareInputs(peer, [counts, disclose]));
  const total = add(own[0], theirs[0]);
  // The first owner's word times the second's: both have to write them in the same order.
  const [one, two] = first ? [own[1], theirs[1]] : [theirs[1], own[1]];
  const allowed = await phases.run('multiply 1', () => multiplyShared(peer, first, triples, one, two));
  const shown = await phases.run('multiply 2', () => multiplyShared(peer, first, triples, allowed, total));
  return await phases.run('reveal', () => reveal({ party, peer, dealer }, shown));
}

function seedsOf(peers) {
  return Object.fromEntries([1, 2].map((owner) => [owner, Buffer.from(peers[owner].keySeed, 'hex')]));
}

function print(elements, ms) {
  const decimals = toDecimals(elements);
  const text = `[${decimals.join(', ')}]`;
  const sha256 = createHash('sha256').update(text).digest('hex');
  if (options.out !== undefined) writeFileSync(options.out, `${text}\n`);
  const shown = decimals.length <= SHOWN_ELEMENTS ? text : `${decimals.length} elements, sha256 ${sha256.slice(0, 12)}`;
  if (options.json) console.log(JSON.stringify({ party, elements: decimals.length, sha256, ms: Math.round(ms), phases: phases.rows }));
  else console.log(`${phases.table()}\nresult ${shown}`);
}

function readOptions() {
  // The count behind --key-exchange may be left out, which parseArgs does not know.
  const words = process.argv.slice(2).flatMap((word, at, all) => {
    return word === '--key-exchange' && !/^\d/.test(all[at + 1] ?? '') ? [word, String(FULL_COUNT)] : [word];
  });
  const names = ['party', 'cp0', 'cp1', 'cp2', 'counts', 'disclose', 'key-exchange', 'out'];
  try {
    const types = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
    const { values } = parseArgs({ args: words, options: { ...types, json: { type: 'boolean', default: false } } });
    const { party, counts, disclose, out, json } = values;
    const addresses = [values.cp0, values.cp1, values.cp2];
    if (!['0', '1', '2'].includes(party)) throw new Error('--party is 0, 1 or 2');
    addresses.forEach((address, other) => {
      if ((address === undefined) !== (String(other) === party))
        throw new Error(`CP${party} needs the addresses of the other two, and not its own`);
    });
    const keyExchange = Number(values['key-exchange'] ?? 0);
    if (!Number.isSafeInteger(keyExchange) || keyExchange < 0) throw new Error('--key-exchange takes a number of messages');
    const common = { party: Number(party), addresses, keyExchange, out, json };
    if (party === '0') {
      if (counts ?? disclose ?? values['key-exchange'])
        throw new Error('the dealer has no counts, and hears of a key exchange from the owners');
      return common;
    }
    if (counts === undefined) throw new Error('an owner needs --counts');
    const own = fromDecimals(numbersOf(counts));
    const allowed = disclose === undefined ? Array(own.length).fill('1') : numbersOf(disclose);
    if (allowed.length !== own.length || allowed.some((word) => word !== '0' && word !== '1')) {
      throw new Error('--disclose takes a 0 or a 1 for each count');
    }
    return { ...common, counts: own, disclose: fromDecimals(allowed) };
  } catch (error) {
    process.stderr.write(`${error.message}\n${USAGE}`);
    process.exit(2);
  }
}

/** The numbers of a JSON array as texts: JSON.parse would round those above 2^53. */
function numbersOf(file) {
  const [, inside] = /^\s*\[([\d\s,]*)\]\s*$/.exec(readFileSync(file, 'utf8')) ?? [];
  if (inside === undefined || inside.trim() === '') throw new Error(`${file} holds no JSON array of numbers`);
  return inside.split(',').map((word) => word.trim());
}
