// The `hotlink` command line: verbs, their flags, and how every way of ending becomes an exit code. Results go to stdout, talk to stderr.
import { Argument, Command, CommanderError, InvalidArgumentError } from 'commander';
import { HotlinkError } from '../../native-free/errors.js';
import { RELAY_CONFIG_ENV, relaySettings } from '../config/index.js';
import { version } from '../version.js';
import { addChannelsFlags, addPingpongFlags, addStreamFlags } from './bench-flags.js';
import { addBurstFlags, addDemoFlags } from './burst-flags.js';
import { completion, SHELLS } from './completion.js';
import { configCheck, configSchema, configShow } from './config.js';
import { examplesText } from './examples.js';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, exitCodeOf } from './exit-code.js';
import { addDaemonFlags } from './running-daemon.js';
import { addSettingFlags } from './setting-flags.js';

type Verb = (command: Command) => number | Promise<number>;
type Does = (verb: Verb) => (...given: unknown[]) => Promise<void>;

/**
 * Runs one command line to its end.
 * @param argv what follows the program's name
 * @returns the exit code; nothing is thrown
 */
export async function run(argv: readonly string[]): Promise<number> {
  let exitCode = EXIT_OK;
  // Commander hands over arguments, flags and, last, the command.
  const does: Does =
    (verb) =>
    async (...given) => {
      exitCode = await verb(given.at(-1) as Command);
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

function program(does: Does): Command {
  const root = new Command('hotlink')
    .description('Carries TCP streams between peers over the best lane there is: TLS over TCP, WebRTC, or a WebSocket relay.')
    .version(version())
    .exitOverride()
    .showHelpAfterError('(--help shows what can be given)');

  addSettingFlags(root.command('relay'), relaySettings, RELAY_CONFIG_ENV)
    .description('the relay server: event endpoint, ACLs, STUN responder; prints the address it got')
    .option('--json', 'the address as one JSON value')
    .action(does(async (command) => (await import('./relay.js')).relay(command)));

  root
    .command('token')
    .description('makes a token that a client shows a relay with authentication (HOTLINK_TOKEN); it is printed once and kept nowhere')
    .requiredOption('--email <address>', 'whose token it is')
    .option('--tokens <file>', "a static token; its hash is appended to this file, the relay's --tokens")
    .option('--secret-file <file>', 'an access token (JWT), signed with the first secret of this file (env: HOTLINK_RELAY_AUTH_SECRET)')
    .option('--days <n>', 'until when it is good; without it for ever', above0)
    .action(does(async (command) => (await import('./token.js')).token(command)));

  addSettingFlags(root.command('up'))
    .description('the daemon: discovers stream.tcp markers, carries channels, writes telemetry; prints `ready` once started')
    .option('--json', 'one JSON value instead of `ready`')
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

  addSettingFlags(root.command('pipe'))
    .description('standard input and output as one stream to the peer; the other side is a pipe too, or a forward that dials')
    .requiredOption('--peer <email>', "the peer's e-mail")
    .requiredOption('--name <name>', 'name of the channel, the same on both sides')
    .option('--wait <seconds>', 'give up (exit 69) when the peer has not come by then', above0)
    .action(does(async (command) => (await import('./pipe.js')).pipe(command)));

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

  addSettingFlags(root.command('ping'))
    .description('round trips through the data path, and the lane each took; over the running daemon where there is one')
    .requiredOption('--peer <email>', "the peer's e-mail")
    .option('--channel <name>', 'which channel with the peer, where there are several')
    .option('--count <n>', 'how many', above0, 4)
    .option('--interval <ms>', 'between two of them', above0, 1000)
    .option('--timeout <ms>', 'for each; the first one may have to set up a session', above0, 10_000)
    .option('--json', 'one JSON value at the end')
    .action(does(async (command) => (await import('./ping.js')).ping(command)));

  addSettingFlags(root.command('doctor'))
    .description('checks everything a channel depends on; a verdict and a hint each')
    .option('--peer <email>', 'also every lane to this peer, end to end')
    .option('--path <path>', 'with --peer: whether the ACL lets a channel with this path through')
    .option('--bundle <file>', 'also write a redacted archive for a bug report (tar.gz)')
    .option('--json', 'one JSON value at the end')
    .action(does(async (command) => (await import('./doctor.js')).doctor(command)));

  addDaemonFlags(root.command('profile'))
    .description('a CPU profile of every thread of a running daemon, with flame graphs where 0x is installed')
    .option('--seconds <n>', 'how long', above0, 10)
    .option('--out <dir>', 'where the files go; made if it is not there')
    .option('--json', 'the names of the files as one JSON value')
    .action(does(async (command) => (await import('./profile.js')).profile(command)));

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
  addSettingFlags(config.command('check'))
    .option('--json', 'one JSON value')
    .description('whether flags, environment and file can be used')
    .action(does(configCheck));
  config.command('schema').description('the JSON Schema of a configuration file').action(does(configSchema));

  root
    .command('completion')
    .description('a completion script for your shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action(does(completion));
  addExamples(root, '');
  return root;
}

function addExamples(command: Command, path: string): void {
  command.addHelpText('after', examplesText(path));
  for (const verb of command.commands) addExamples(verb, path === '' ? verb.name() : `${path} ${verb.name()}`);
}

function above0(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('A number above 0 is expected.');
  return value;
}
