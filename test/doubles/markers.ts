// The marker files of one identity as upstream's daemons find them, without this program's reader. wire.md 4.1.
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

export interface MarkerFile {
  /** Path below `datasites/`, forward slashes. */
  relPath: string;
  from: string;
  to: string;
  port: number;
  ports: Record<string, number>;
  /** The two numbers of the directory's name. */
  pids: [number, number];
}

/** @returns every `stream.tcp` below `datasites`, in lexical order */
export function findMarkers(datasites: string): MarkerFile[] {
  return readdirSync(datasites, { recursive: true, encoding: 'utf8' })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => path.endsWith('/stream.tcp'))
    .sort()
    .map((relPath) => {
      const fields = JSON.parse(readFileSync(join(datasites, relPath), 'utf8')) as Partial<MarkerFile>;
      const [a, b] = (relPath.split('/').at(-2) ?? '').split('_to_').map(Number);
      return {
        relPath,
        from: fields.from ?? '',
        to: fields.to ?? '',
        port: fields.port ?? 0,
        ports: fields.ports ?? {},
        pids: [a ?? -1, b ?? -1],
      };
    });
}

/** `owner/<middle>/<directory>/stream.tcp.request` of a marker's channel. */
export function keyOf(marker: MarkerFile, owner: string, directory: string): string {
  return [owner, ...marker.relPath.split('/').slice(1, -2), directory, 'stream.tcp.request'].join('/');
}
