// A tar archive of a few small files in memory (POSIX ustar). Pure.

const BLOCK = 512;

export interface TarFile {
  /** At most 100 bytes. */
  name: string;
  content: string;
}

/** @param atSeconds modification time of every file, Unix seconds */
export function tar(files: readonly TarFile[], atSeconds: number): Buffer {
  const blocks: Buffer[] = [];
  for (const { name, content } of files) {
    const bytes = Buffer.from(content);
    const padded = Buffer.alloc(Math.ceil(bytes.length / BLOCK) * BLOCK);
    bytes.copy(padded);
    blocks.push(head(name, bytes.length, atSeconds), padded);
  }
  // Two empty blocks end an archive.
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function head(name: string, sizeBytes: number, atSeconds: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number): void => {
    block.write(`${value.toString(8).padStart(digits, '0')}\0`, at);
  };
  block.write(name.slice(0, 100), 0);
  octal(0o644, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(sizeBytes, 124, 11);
  octal(Math.floor(atSeconds), 136, 11);
  block.write('0', 156);
  block.write('ustar\x0000', 257);
  // The sum is taken with blanks in its own place.
  block.fill(' ', 148, 156);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  return block;
}
