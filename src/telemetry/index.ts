// The telemetry file: its content and its writer; and spans for OpenTelemetry. Main thread.

export { type Telemetry, telemetryOf } from './schema.js';
export { createSpans, type Spans } from './spans.js';
export { TelemetryWriter, type TelemetryWriterOptions, telemetryPath, type WriterClock } from './writer.js';
