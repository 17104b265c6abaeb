// The memory that frames are read into. What arrives is passed on from where it lies, by a kernel call that comes at once or after a while; when all of a
// block has been passed on, the block is used again. Fresh memory instead means a page fault and 4 KiB of zeros for every 4 KiB that arrive, and a
// garbage collector that is asked for more the faster they do: with 64 busy channels a seventh of the threads' time.
//
// Whoever takes bytes may still keep them for ever, without a word: only what is reported with `passedOn` counts, and a block of which one byte was not
// reported is left to the garbage collector. One pool per thread.

/** Room for a few frames of our own peers and what TLS hands over at once. Larger blocks only cost cache. */
export const BLOCK_BYTES = 524_288;
/** Blocks that are kept for use: what a thread's connections have under way at once, within 16 MiB. */
const SPARE_BLOCKS = 32;
/** What is lent is at least as long: whoever keeps one byte of a block keeps all of it, and the peer says how large frames are. */
export const LENT_BYTES = 65_536;

const spare: Block[] = [];
const blocks = new WeakMap<ArrayBufferLike, Block>();

export class Block {
  /** No Buffer, whose `slice` is no copy. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes that somebody was given to keep and has not passed on, as far as is known. */
  #lentBytes = 0;
  #retired = false;

  private constructor(bytes: number) {
    this.bytes = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
    blocks.set(this.bytes.buffer, this);
  }

  /** A block of at least so many bytes; a larger one than usual is made for the purpose and not used again. */
  static take(leastBytes = BLOCK_BYTES): Block {
    const block = leastBytes <= BLOCK_BYTES ? spare.pop() : undefined;
    if (block === undefined) return new Block(Math.max(BLOCK_BYTES, leastBytes));
    block.#retired = false;
    return block;
  }

  /** Nobody needs anything of what was put into it. */
  get idle(): boolean {
    return this.#lentBytes === 0;
  }

  /** Somebody is given bytes of it to keep. */
  lend(bytes: number): void {
    this.#lentBytes += bytes;
  }

  /** Nothing is put into it any more by its present owner. */
  retire(): void {
    this.#retired = true;
    this.#spare();
  }

  /** Whether these bytes were lent: they are to be reported when they are not needed any more. */
  static lent(bytes: Uint8Array): boolean {
    return bytes.length >= LENT_BYTES && blocks.has(bytes.buffer);
  }

  /** Bytes are not needed any more by anybody. Those that were lent, once each; others have no effect. */
  static passedOn(bytes: Uint8Array): void {
    const block = bytes.length < LENT_BYTES ? undefined : blocks.get(bytes.buffer);
    if (block === undefined) return;
    block.#lentBytes -= bytes.length;
    if (block.#retired) block.#spare();
  }

  #spare(): void {
    if (this.idle && this.bytes.length === BLOCK_BYTES && spare.length < SPARE_BLOCKS) spare.push(this);
  }
}
