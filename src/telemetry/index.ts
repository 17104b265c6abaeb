// The telemetry file: its content and its writer. Main thread.
export { type Telemetry, telemetryOf } from './schema.js';
export { TelemetryWriter, type TelemetryWriterOptions, telemetryPath, type WriterClock } from './writer.js';
