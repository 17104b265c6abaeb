// `hotlink doctor`: checks everything a channel depends on, a verdict and a hint each, in the order in which one would look. Exit 0 when
// nothing failed; otherwise the code of the first failure.
import type { Command } from 'commander';
import { outboundPath } from '../../native-free/index.js';
import { registered } from '../admin/index.js';
import type { Resolved } from '../config/index.js';
import { aclChecks } from '../doctor/acl.js';
import { writeBundle } from '../doctor/bundle.js';
import { type Check, check, exitCodeOfChecks, type Verdict } from '../doctor/check.js';
import { daemonChecks } from '../doctor/daemon.js';
import { addonCheck, threadsCheck } from '../doctor/machine.js';
import { findMarkers } from '../doctor/markers.js';
import { natChecks } from '../doctor/nat.js';
import { peerChecks } from '../doctor/peer.js';
import { portChecks, type WantedPort } from '../doctor/ports.js';
import { relayChecks } from '../doctor/relay.js';
import { turnChecks } from '../doctor/turn.js';
import { loadSettings } from './setting-flags.js';
import { painter, type Style } from './terminal.js';

interface Flags {
  peer?: string;
  path?: string;
  bundle?: string;
  json?: boolean;
}

/** @returns the exit code */
export async function doctor(command: Command): Promise<number> {
  const flags = command.opts<Flags>();
  const resolved = loadSettings(command);
  const checks: Check[] = [];
  const say = printer(flags.json === true);
  const add = (...found: readonly Check[]): void => {
    checks.push(...found);
    for (const one of found) say(one);
  };
  for (const warning of resolved.warnings) add(check('settings', 'warn', warning, 'correct it'));
  add(await addonCheck(), threadsCheck(resolved.values.threads ?? 1));
  const running = resolved.values.dataDir === undefined ? await daemonsOf(resolved) : [];
  const dataDir = resolved.values.dataDir ?? (running.length === 1 ? running[0] : undefined);
  const { checks: ofDaemon, report } = await daemonChecks(dataDir, running);
  add(...ofDaemon);
  const email = resolved.values.email ?? report?.email;
  const server = resolved.values.server ?? report?.server;
  const { token } = resolved.values;
  if (email === undefined || server === undefined) add(check('relay', 'skip', 'no identity or no relay is given (--email, --server)'));
  else {
    const relay = await relayChecks(server, email, token);
    add(...relay.checks);
    const { markers, checks: ofMarkers } = dataDir === undefined ? { markers: [], checks: [] } : await findMarkers(dataDir, email);
    add(...ofMarkers);
    const fromMarkers = markers.map((marker) => ({ path: outboundPath(marker), peer: marker.peer }));
    // Those that need no marker: of `forward`, and of the configuration file.
    const others = (report?.channels ?? []).filter(
      ({ key, shape }) => /^(forward|dial|rendezvous)$/.test(shape) && fromMarkers.every(({ path }) => path !== key),
    );
    const mine = [...fromMarkers, ...others.map(({ key, peer }) => ({ path: key, peer }))];
    const asked = flags.path !== undefined && flags.peer !== undefined ? [{ path: flags.path, peer: flags.peer }] : mine;
    if (relay.iceServers !== undefined) add(...(await aclChecks({ server, email, token, channels: asked })));
    const ice = {
      iceServers: resolved.values.iceServers ?? relay.iceServers ?? [],
      relayAsked: relay.iceServers !== undefined,
      turnUser: resolved.values.turnUser ?? relay.turnUser,
      turnPass: resolved.values.turnPass ?? relay.turnPass,
    };
    add(...(await natChecks(ice)), ...(await turnChecks(ice)));
    const ports: WantedPort[] = markers
      .filter(({ dial, port }) => dial === undefined && port !== 0)
      .map(({ port, peer }) => ({ host: resolved.values.bindAddress ?? '127.0.0.1', port, channel: `the channel with ${peer}` }));
    for (const { shape, address, name, peer } of others) {
      const at = address.lastIndexOf(':');
      const host = address.slice(0, at).replaceAll(/[[\]]/g, '');
      if (shape !== 'dial') ports.push({ host, port: Number(address.slice(at + 1)), channel: `${name} with ${peer}` });
    }
    add(...(await portChecks(ports, report?.daemon.pid)));
    if (flags.peer !== undefined && relay.checks.every(({ verdict }) => verdict !== 'fail'))
      add(...(await peerChecks({ ...resolved.options, email, server }, flags.peer)));
  }
  if (flags.bundle !== undefined) {
    const files = writeBundle(flags.bundle, { checks, report, resolved, dataDir });
    process.stderr.write(
      `${flags.bundle}: ${files.join(', ')}; secrets, e-mails and addresses are taken out; look before you pass it on\n`,
    );
  }
  const failed = checks.filter(({ verdict }) => verdict === 'fail').length;
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ ok: failed === 0, checks: checks.map(({ exitCode: _code, ...rest }) => rest) })}\n`);
  else process.stdout.write(failed === 0 ? 'nothing failed\n' : `${failed} of ${checks.length} checks failed\n`);
  return exitCodeOfChecks(checks);
}

/** Data directories of the daemons that may be meant. */
async function daemonsOf({ values }: Resolved): Promise<string[]> {
  const daemons = (await registered()).filter(({ email }) => values.email === undefined || values.email === email);
  return daemons.map(({ dataDir }) => dataDir);
}

const styles: Record<Verdict, Style> = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'dim' };

function printer(json: boolean): (one: Check) => void {
  const paint = painter(process.stdout);
  return ({ name, verdict, detail, hint }) => {
    if (json) return;
    process.stdout.write(`${paint(styles[verdict], verdict.padEnd(4))}  ${name}: ${detail}\n`);
    if (hint !== undefined && verdict !== 'ok') process.stdout.write(`      ${paint('dim', `→ ${hint}`)}\n`);
  };
}
