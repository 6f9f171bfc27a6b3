import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { freeBytesAt } from '../../artifacts/disk-use.ts';
import { type UnpackedEntry, unpackTar } from '../../http/tar/unpack-tar.ts';
import { BadInput } from '../exit-codes.ts';
import { type IntakeRequest, intakeRequestSchema, REQUEST_FILE } from './intake-request.ts';

const MOST_REQUEST = 1 << 20;
const MOST_BYTES = 2 ** 43;
/** Left for the jobs that write beside it. */
const SPARE_BYTES = 64 * 2 ** 20;

/**
 * Reads what is sent to an intake Job: the request, then its files into `folder`, each checked against its sum as it comes. Throws `BadInput` for what is
 * damaged, missing, not announced, or larger than the disk.
 */
export async function receiveFiles(archive: AsyncIterable<Uint8Array>, folder: string): Promise<IntakeRequest> {
  await mkdir(folder, { recursive: true });
  let request: IntakeRequest | undefined;
  const came = new Set<string>();
  for await (const entry of unpackTar(archive, MOST_BYTES)) {
    if (request === undefined) {
      request = await readRequest(entry);
      await requireSpace(request, folder);
      continue;
    }
    const name = entry.name.replace(/^files\//, '');
    const expected = request.files[name];
    if (expected === undefined || entry.name === name)
      throw new BadInput(`expected the files that were announced, got ${JSON.stringify(entry.name)}`);
    const hash = createHash('sha256');
    async function* hashed(): AsyncGenerator<Buffer> {
      for await (const piece of entry.content as AsyncIterable<Buffer>) {
        hash.update(piece);
        yield piece;
      }
    }
    await pipeline(hashed(), createWriteStream(join(folder, name), { flags: 'wx' }));
    const sha256 = hash.digest('hex');
    if (entry.bytes !== expected.bytes || sha256 !== expected.sha256)
      throw new BadInput(
        `${name}: expected sha256 ${expected.sha256.slice(0, 12)}… (${expected.bytes} bytes), got ${sha256.slice(0, 12)}… (${entry.bytes} bytes): it was changed while it was sent, or on the way`,
      );
    came.add(name);
  }
  if (request === undefined)
    throw new BadInput(`expected an archive that begins with ${REQUEST_FILE}, got an empty one`);
  const missing = Object.keys(request.files).filter((name) => !came.has(name));
  if (missing.length > 0) throw new BadInput(`expected also the files ${missing.join(', ')}: they did not come`);
  return request;
}

async function readRequest(entry: UnpackedEntry): Promise<IntakeRequest> {
  if (entry.name !== REQUEST_FILE || entry.bytes > MOST_REQUEST)
    throw new BadInput(`expected an archive that begins with ${REQUEST_FILE}, got ${JSON.stringify(entry.name)}`);
  const pieces: Buffer[] = [];
  for await (const piece of entry.content) pieces.push(piece);
  const read = intakeRequestSchema.safeParse(JSON.parse(Buffer.concat(pieces).toString('utf8')));
  if (read.success) return read.data as IntakeRequest;
  const issue = read.error.issues[0];
  throw new BadInput(`${REQUEST_FILE}: ${issue?.path.join('.')}: ${issue?.message}: the sender is of another release`);
}

async function requireSpace({ files }: IntakeRequest, folder: string): Promise<void> {
  const needed = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
  const free = await freeBytesAt(folder);
  if (needed + SPARE_BYTES <= free) return;
  throw new BadInput(
    `expected room for ${needed} bytes on the store's volume, ${free} are free. "lethe store gc" frees what nobody needs`,
  );
}
