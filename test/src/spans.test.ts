// OpenTelemetry spans of a real channel, collected in memory: which ones there are, what they name, and that they hold no payload.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dial, Sandbox, until } from '../support/sandbox.js';

const exporter = new InMemorySpanExporter();
const SECRET = 'these bytes are nobody else’s business';

describe('spans', () => {
  beforeAll(async () => {
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
    const sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair({ lanes: ['webrtc', 'relay'] });
    const [a, b] = [await dial(alice.port), await dial(bob.port)];
    a.write(SECRET);
    await once(b, 'data');
    await until('a data channel carries', () => alice.link.status().channels[0]!.lane === 'webrtc');
    a.end();
    b.end();
    await once(a, 'close');
    await sandbox.close();
  });
  afterAll(() => trace.disable());

  const named = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);

  it('tell how long a session took to open, with its id, path and peer', () => {
    const spans = named('hotlink.session.open').filter(({ attributes }) => attributes['hotlink.client'] === 'hotlink');
    expect(spans.length).toBeGreaterThan(0);
    const { attributes } = spans[0]!;
    expect(attributes['hotlink.sid']).toMatch(/^[0-9a-f-]{36}$/);
    expect(attributes['hotlink.path']).toMatch(/stream\.tcp\.request$/);
    expect(attributes['hotlink.peer']).toMatch(/@example\.com$/);
  });

  it('tell how long the negotiation took, for the same session', () => {
    const sids = named('hotlink.session.open').map(({ attributes }) => attributes['hotlink.sid']);
    const negotiated = named('hotlink.negotiation').filter(({ attributes }) => attributes['hotlink.mtu'] !== undefined);
    expect(negotiated.length).toBeGreaterThan(0);
    for (const { attributes } of negotiated) expect(sids).toContain(attributes['hotlink.sid']);
    expect(negotiated[0]!.attributes['hotlink.lane']).toBe('webrtc');
  });

  it('tell of the first byte, of each change of lanes, and of the application’s connection', () => {
    expect(named('hotlink.first_byte').some(({ attributes }) => attributes['hotlink.ended_by'] === undefined)).toBe(true);
    expect(named('hotlink.lane.switch').map(({ attributes }) => attributes['hotlink.to'])).toContain('webrtc');
    expect(named('hotlink.write')).toHaveLength(2);
  });

  it('cost nothing where the package is not installed', () => {
    // The compiled module alone, in a directory from which no package is found.
    const folder = mkdtempSync(join(tmpdir(), 'hotlink-spans-'));
    copyFileSync(join(import.meta.dirname, '../../src/telemetry/spans.js'), join(folder, 'spans.mjs'));
    const script = `const { createSpans } = await import(${JSON.stringify(pathToFileURL(join(folder, 'spans.mjs')).href)}); console.log(await createSpans('a@x.io'));`;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect(said.trim()).toBe('undefined');
  });

  it('hold identifiers and nothing of what was carried', () => {
    const all = JSON.stringify(exporter.getFinishedSpans().map(({ name, attributes, status }) => ({ name, attributes, status })));
    expect(all).not.toContain(SECRET);
    expect(all).not.toContain(Buffer.from(SECRET).toString('base64'));
    expect(all).not.toContain('v=0');
  });
});
