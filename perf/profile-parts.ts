// A thread's CPU profile by whose code it was in. V8 samples the innermost function: JavaScript has a file, native functions have none and belong to
// whoever called them, since their names are unreliable (docs/flame-graphs.md).

/** Where a thread that runs JavaScript can be. */
export const PARTS = [
  'our JavaScript',
  "packages' JavaScript",
  "Node's JavaScript",
  'the addon, called by us',
  'native code called by us',
  "native code called by Node's",
  'garbage collection',
  'outside of JavaScript',
] as const;

export type Part = (typeof PARTS)[number];

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string };
  children?: number[];
}

interface CpuProfile {
  nodes: ProfileNode[];
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

/** The only file of ours that calls the addon on the byte path. */
const ADDON_CALLER = /\/workers\/lanes\/webrtc\.js$/;

/** @param text a `.cpuprofile`. @returns milliseconds in each part; idle time is left out */
export function profileParts(text: string): Record<Part, number> {
  const { nodes, samples, timeDeltas } = JSON.parse(text) as CpuProfile;
  const parents = new Map<number, ProfileNode>();
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node);
  const partOfNode = new Map(nodes.map((node) => [node.id, partOf(node, parents)]));
  const times = Object.fromEntries(PARTS.map((part) => [part, 0])) as Record<Part, number>;
  for (const [index, id] of samples.entries()) {
    const part = partOfNode.get(id);
    // A sample stands for the time until the next one.
    if (part !== undefined) times[part] += (timeDeltas[index + 1] ?? 0) / 1000;
  }
  return times;
}

function partOf(node: ProfileNode, parents: ReadonlyMap<number, ProfileNode>): Part | undefined {
  const { functionName, url } = node.callFrame;
  if (functionName === '(idle)') return undefined;
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (url !== '') return ownerOf(url);
  let caller = parents.get(node.id);
  while (caller !== undefined && caller.callFrame.url === '') caller = parents.get(caller.id);
  if (caller === undefined) return 'outside of JavaScript';
  if (ADDON_CALLER.test(caller.callFrame.url)) return 'the addon, called by us';
  return ownerOf(caller.callFrame.url) === "Node's JavaScript" ? "native code called by Node's" : 'native code called by us';
}

function ownerOf(url: string): Part {
  if (url.startsWith('node:')) return "Node's JavaScript";
  return url.includes('/node_modules/') ? "packages' JavaScript" : 'our JavaScript';
}
