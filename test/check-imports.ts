// Checks the import directions between the rooms (src/README.md), and that native-free stays free of clocks, dice and hosts. Names the
// offending line. Run by `npm run check`.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const root = join(import.meta.dirname, '../..');
const ROOMS = ['native-free', 'workers', 'src', 'perf', 'test'] as const;
type Room = (typeof ROOMS)[number];

/** Which rooms each may import from, beside itself. */
const MAY_IMPORT: Record<Room, readonly Room[]> = {
  'native-free': [],
  workers: ['native-free'],
  src: ['native-free', 'workers'],
  perf: ['native-free', 'workers', 'src'],
  test: ['native-free', 'workers', 'src', 'perf'],
};
/** Packages a room may import; undefined: any. */
const MAY_USE: Partial<Record<Room, RegExp>> = {
  'native-free': /^@msgpack\/msgpack$/,
  workers: /^(node:|ws$|node-datachannel$|koffi$)/,
};
/** src may know the workers' messages, their entry URLs, pure parsers, whether there is an addon, and the profiler of one's own thread, and how bytes are copied, never what runs on their threads. */
const SRC_MAY_SEE = /^workers\/(messages|entries|addon-file|thread-health|profiler|memory|lanes\/ice-servers|lanes\/stripe-count)\.js$/;
const ADDON_FILE = 'workers/addon.ts';
/** A static import or re-export (also the last line of a long one), an import for effect, a dynamic import. */
const IMPORT = /^\s*(?:import|export|\})[^']*\bfrom\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/;
const IMPURE = /\b(Date\.now|new Date\(|Math\.random|performance\.now|setTimeout|setInterval|queueMicrotask|console\.|Buffer\b|process\.)/;

const complaints: string[] = [];

for (const room of ROOMS) {
  for (const file of sources(room)) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    lines.forEach((line, index) => {
      const where = `${file}:${index + 1}`;
      const code = line.replace(/\/\/.*$|^\s*\*.*$|^\s*\/\*.*$/, '');
      const match = IMPORT.exec(code);
      if (match !== null) look(room, file, where, (match[1] ?? match[2] ?? match[3]) as string, /\bimport type\b/.test(code));
      if (room === 'native-free' && IMPURE.test(code)) complaints.push(`${where}: no clock, dice or host in native-free: ${line.trim()}`);
    });
  }
}

function look(room: Room, file: string, where: string, target: string, typeOnly: boolean): void {
  if (!target.startsWith('.')) {
    const allowed = MAY_USE[room];
    if (allowed !== undefined && !allowed.test(target)) complaints.push(`${where}: ${room} may not import ${target}`);
    if (target === 'node-datachannel' && !typeOnly && (room === 'src' || room === 'workers') && file !== ADDON_FILE) {
      complaints.push(`${where}: only ${ADDON_FILE} loads the addon`);
    }
    return;
  }
  const path = normalize(join(dirname(file), target));
  const other = path.split('/')[0] as Room;
  if (other === room) return;
  if (!MAY_IMPORT[room].includes(other)) complaints.push(`${where}: ${room} may not import from ${other}`);
  else if (room === 'src' && other === 'workers' && !SRC_MAY_SEE.test(path)) complaints.push(`${where}: src may not import ${path}`);
}

function sources(room: string): string[] {
  return readdirSync(join(root, room), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
if (complaints.length > 0) process.exit(1);
process.stdout.write('import directions: clean\n');
