// The `hotlink` command line: verbs, their flags, and how every way of ending becomes an exit code. Results go to stdout, talk to stderr.
import { Command, CommanderError } from 'commander';
import { HotlinkError } from '../../native-free/errors.js';
import { version } from '../version.js';
import { addChannelsFlags, addPingpongFlags, addStreamFlags } from './bench-flags.js';
import { addBurstFlags, addDemoFlags } from './burst-flags.js';
import { configCheck, configShow } from './config.js';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, exitCodeOf } from './exit-code.js';
import { addDaemonFlags } from './running-daemon.js';
import { addSettingFlags } from './setting-flags.js';

type Verb = (command: Command) => number | Promise<number>;

/**
 * Runs one command line to its end.
 * @param argv what follows the program's name
 * @returns the exit code; nothing is thrown
 */
export async function run(argv: readonly string[]): Promise<number> {
  let exitCode = EXIT_OK;
  const does = (verb: Verb) => async (_flags: unknown, command: Command) => {
    exitCode = await verb(command);
  };
  try {
    await program(does).parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has already written what was wrong, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
    if (error instanceof HotlinkError) {
      process.stderr.write(`hotlink: ${error.message}\n`);
      return exitCodeOf(error.code);
    }
    process.stderr.write(`hotlink: unexpected failure, please report it: ${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT_FAILED;
  }
}

function program(does: (verb: Verb) => (flags: unknown, command: Command) => Promise<void>): Command {
  const root = new Command('hotlink')
    .description('Carries TCP streams between peers over WebRTC data channels, with a WebSocket relay as the way that always works.')
    .version(version())
    .exitOverride()
    .showHelpAfterError('(--help shows what can be given)');

  root
    .command('relay')
    .description('the relay server: event endpoint, ACLs, STUN responder; prints the address it got')
    .option('--listen <host:port>', 'where to listen; port 0 takes any', '127.0.0.1:8080')
    .option('--data <dir>', 'keep ACLs here across restarts')
    .option('--stun <host:port>', 'also answer STUN there, on UDP, and advertise it')
    .option('--turn-ttl <seconds>', 'how long TURN credentials made from HOTLINK_RELAY_TURN_SECRET are good (default: a day)')
    .option('--json', 'the address as one JSON value')
    .action(does(async (command) => (await import('./relay.js')).relay(command)));

  addSettingFlags(root.command('up'))
    .description('the daemon: discovers stream.tcp markers, carries channels, writes telemetry; prints `ready` once started')
    .option('--with-parent', 'stop when standard input ends, for a program that starts this one')
    .action(does(async (command) => (await import('./up.js')).up(command)));

  addSettingFlags(root.command('forward'))
    .description('one ad-hoc channel without markers: one side listens, the other dials an application')
    .requiredOption('--peer <email>', "the peer's e-mail")
    .requiredOption('--name <name>', 'name of the channel, the same on both sides')
    .option('--listen <host:port>', 'applications dial this address; port 0 takes any')
    .option('--dial <host:port>', 'dial this application for each connection of the peer')
    .option('--rendezvous', 'both sides listen and both applications dial in')
    .option('--json', 'what was set up as one JSON value')
    .action(does(async (command) => (await import('./forward.js')).forward(command)));

  addDaemonFlags(root.command('status'))
    .description('what a running daemon does: each channel, its lane and why, rates, round trips, threads')
    .option('--json', 'the whole report as one JSON value')
    .option('--watch', 'again every second; with --json one report per line')
    .action(does(async (command) => (await import('./status.js')).status(command)));

  addDaemonFlags(root.command('top'))
    .description('the same on the whole screen, busiest channels first, with what happened lately; q leaves')
    .action(does(async (command) => (await import('./top.js')).top(command)));

  addDaemonFlags(root.command('dashboard'))
    .description('the same in a browser: prints the URL to open; with the default unix socket it stays, as the way there')
    .option('--port <port>', 'of 127.0.0.1, where the daemon has no TCP port itself; 0 takes any', '0')
    .option('--json', 'the URL as one JSON value')
    .action(does(async (command) => (await import('./dashboard.js')).dashboard(command)));

  addDemoFlags(root.command('demo'))
    .description('a relay and three parties on this host, checksummed bursts over WebRTC, a verdict')
    .action(does(async (command) => (await import('./burst.js')).demo(command)));

  const bench = root.command('bench').description('self-contained benchmarks on this host');
  addBurstFlags(bench.command('burst'))
    .description("BioVault's three-party burst, every byte checked")
    .action(does(async (command) => (await import('./burst.js')).burst(command)));
  addStreamFlags(bench.command('stream'))
    .description('one stream between two parties, one way or both ways at once, every byte checked')
    .action(does(async (command) => (await import('./bench.js')).stream(command)));
  addPingpongFlags(bench.command('pingpong'))
    .description('messages back and forth between two applications, and how long each round takes')
    .action(does(async (command) => (await import('./bench.js')).pingpong(command)));
  addChannelsFlags(bench.command('channels'))
    .description('many channels between two parties: their memory when idle, their rate when all are busy')
    .action(does(async (command) => (await import('./bench.js')).channels(command)));

  const config = root.command('config').description('what the settings are and where they come from');
  addSettingFlags(config.command('show'))
    .option('--json', 'one JSON value')
    .description('every setting, its value, its origin')
    .action(does(configShow));
  addSettingFlags(config.command('check')).description('whether flags, environment and file can be used').action(does(configCheck));
  return root;
}
