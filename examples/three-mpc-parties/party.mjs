// One party of a secret sum: additive shares modulo 2^64, two rounds, 8 bytes per message. Every other party is a local port.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { me: { type: 'string' }, parties: { type: 'string' }, 'base-port': { type: 'string' }, value: { type: 'string' } },
});
const [me, parties, basePort] = [values.me, values.parties, values['base-port']].map(Number);
const wrap = (number) => BigInt.asUintN(64, number);

/** A connection that says and hears one number at a time. */
class Link {
  #socket;
  #waiting = Buffer.alloc(0);
  #heard = () => {};

  constructor(port) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (bytes) => {
      this.#waiting = Buffer.concat([this.#waiting, bytes]);
      this.#heard();
    });
    this.#socket.on('error', (error) => {
      process.stderr.write(`port ${port}: ${error.message}\n`);
      process.exit(1);
    });
  }

  say(number) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(wrap(number));
    this.#socket.write(bytes);
  }

  async hear() {
    while (this.#waiting.length < 8) await new Promise((resolve) => (this.#heard = resolve));
    const number = this.#waiting.readBigUInt64LE();
    this.#waiting = this.#waiting.subarray(8);
    return number;
  }

  end() {
    this.#socket.end();
  }
}

const others = Array.from({ length: parties }, (_, index) => index).filter((index) => index !== me);
const links = others.map((index) => new Link(basePort + index));

/** Says one number to each of the others, and adds up what they say. */
async function round(numbers) {
  links.forEach((link, index) => link.say(numbers[index]));
  const heard = await Promise.all(links.map((link) => link.hear()));
  return heard.reduce((sum, number) => sum + number, 0n);
}

const shares = others.map(() => randomBytes(8).readBigUInt64LE());
const own = shares.reduce((rest, share) => rest - share, BigInt(values.value));
const partial = wrap(own + (await round(shares)));
const sum = wrap(partial + (await round(others.map(() => partial))));
console.log(`sum ${sum}`);
for (const link of links) link.end();
