// How large the payload of the next frame may be on the present lane. A lane that refuses a size is believed: the size is halved and
// tried again much later. Invariant: payloadBytes is at least 1 and never over the chunk size, the lane's limit or what was learned.
// The chunker only answers sizes; whoever cuts keeps the bytes, so a refused frame is cut again and nothing is skipped (wire §13.4).

const KIB = 1024;

export interface ChunkerOptions {
  /** Largest payload by configuration. Upstream: 61440, clamped 4096 … 1048576 (wire §7). */
  readonly chunkBytes: number;
  /** Learning stops here; default 4096, upstream's own lower clamp. A smaller chunk size or lane limit still counts. */
  readonly floorBytes?: number;
  /** Bytes that have to get through before a larger size is tried; default 64 MiB, so that a refusal costs one frame in a thousand at most. */
  readonly stepUpAfterBytes?: number;
}

/** `split`: cut the same bytes again, the pieces are smaller now. `at-floor`: no smaller size to try, so the lane cannot carry the frame. */
export type OversizeVerdict = 'split' | 'at-floor';

export class Chunker {
  #chunkBytes: number;
  readonly #floorBytes: number;
  readonly #stepUpAfterBytes: number;
  #laneBytes = Number.POSITIVE_INFINITY;
  #learnedBytes = Number.POSITIVE_INFINITY;
  #refusedBytes = 0;
  #intervalBytes: number;
  #sinceChangeBytes = 0;

  constructor({ chunkBytes, floorBytes = 4 * KIB, stepUpAfterBytes = 64 * KIB * KIB }: ChunkerOptions) {
    this.#chunkBytes = chunkBytes;
    this.#floorBytes = floorBytes;
    this.#stepUpAfterBytes = stepUpAfterBytes;
    this.#intervalBytes = stepUpAfterBytes;
  }

  /** Changes the largest payload by configuration. */
  set chunkBytes(bytes: number) {
    this.#chunkBytes = bytes;
  }

  /** Largest payload of a frame now. */
  get payloadBytes(): number {
    return Math.max(1, Math.min(this.#chunkBytes, this.#laneBytes, this.#learnedBytes));
  }

  /**
   * Starts on a lane. What was learned about the one before is forgotten.
   *
   * @param maxFrameBytes the largest message the lane takes; Infinity when it names none
   * @param headBytes what the frame adds to a payload (header, path, etag)
   */
  setLane(maxFrameBytes: number, headBytes: number): void {
    this.#laneBytes = maxFrameBytes - headBytes;
    this.#learnedBytes = Number.POSITIVE_INFINITY;
    this.#refusedBytes = 0;
    this.#intervalBytes = this.#stepUpAfterBytes;
    this.#sinceChangeBytes = 0;
  }

  /**
   * The lane refused a frame as too large.
   *
   * @param attemptedPayloadBytes payload of that frame
   * @returns whether cutting again helps
   */
  refusedOversize(attemptedPayloadBytes: number): OversizeVerdict {
    // A frame larger than the size in force was cut before the last refusal and tells nothing new: neither halve nor back off twice for it.
    if (attemptedPayloadBytes > this.payloadBytes) return 'split';
    if (attemptedPayloadBytes <= this.#floorBytes) return 'at-floor';
    if (attemptedPayloadBytes === this.#refusedBytes) this.#intervalBytes *= 2;
    else this.#intervalBytes = this.#stepUpAfterBytes;
    this.#refusedBytes = attemptedPayloadBytes;
    this.#learnedBytes = Math.max(this.#floorBytes, Math.floor(attemptedPayloadBytes / 2));
    this.#sinceChangeBytes = 0;
    return 'split';
  }

  /**
   * The lane took this many payload bytes. After enough of them the size doubles, up to the chunk size; each time the same size is
   * refused again it takes twice as many, so a lane with a lasting limit is hardly ever asked.
   */
  delivered(bytes: number): void {
    if (this.#learnedBytes === Number.POSITIVE_INFINITY) return;
    this.#sinceChangeBytes += bytes;
    if (this.#sinceChangeBytes < this.#intervalBytes) return;
    this.#sinceChangeBytes = 0;
    const doubled = this.#learnedBytes * 2;
    this.#learnedBytes = doubled < Math.min(this.#chunkBytes, this.#laneBytes) ? doubled : Number.POSITIVE_INFINITY;
  }

  /** @returns how many frames a payload is cut in now; 0 for none, because a frame is never empty */
  partsOf(payloadBytes: number): number {
    return Math.ceil(payloadBytes / this.payloadBytes);
  }
}
