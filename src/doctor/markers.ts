// The markers of a data directory as the daemon would find them, in one look. Main thread.
import { join } from 'node:path';
import type { Marker } from '../../native-free/index.js';
import { Discovery } from '../control/discovery.js';
import { type Check, check } from './check.js';

export interface MarkerFindings {
  markers: Marker[];
  /** One for each marker that cannot be used. */
  checks: Check[];
}

export async function findMarkers(dataDir: string, email: string): Promise<MarkerFindings> {
  const found: MarkerFindings = { markers: [], checks: [] };
  const discovery = new Discovery(
    join(dataDir, 'datasites'),
    email,
    { ipcMarker: '', tcpProxy: true },
    {
      markers: (markers) => {
        found.markers = markers;
      },
      ipc: () => undefined,
      refused: (path, reason) => found.checks.push(check(`marker ${path}`, 'fail', reason, 'correct the file')),
    },
  );
  await discovery.firstScan;
  discovery.stop();
  return found;
}
