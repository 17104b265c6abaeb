// A record ring between two threads in one SharedArrayBuffer: layout.ts has the drawing, doorbell.ts the argument for sleeping.
export { RingConsumer } from './consumer.js';
export { createRing, maxRecordBytes, resetRing, ringOccupiedBytes } from './layout.js';
export { RingProducer } from './producer.js';
