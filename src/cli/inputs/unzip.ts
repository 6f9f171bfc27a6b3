import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { openPromise, type ZipFile } from 'yauzl';
import { messageOf } from '../../experiment/message-of.ts';
import { BadInput } from '../exit-codes.ts';

/** Unpacks a zip file (a wheel is one) into a folder, every sum checked. Throws `BadInput` for what is damaged or named to lead out of the folder. */
export async function unzip(path: string, folder: string): Promise<void> {
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(path, { strictFileNames: true, autoClose: false });
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      const to = join(folder, entry.fileName);
      await mkdir(dirname(to), { recursive: true });
      let sum = 0;
      const summed = async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
        for await (const piece of pieces) {
          sum = crc32(piece, sum);
          yield piece;
        }
      };
      await pipeline(await zip.openReadStreamPromise(entry), summed, createWriteStream(to));
      if (sum !== entry.crc32) throw new Error(`the sum of ${entry.fileName} differs`);
    }
  } catch (error) {
    // What the disk refuses is no fault of the file.
    if (error instanceof Error && 'syscall' in error) throw error;
    throw new BadInput(`${path}: expected a zip file, and it is no whole zip file: ${messageOf(error)}`);
  } finally {
    zip?.close();
  }
}
