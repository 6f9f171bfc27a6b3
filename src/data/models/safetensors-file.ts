import { open } from 'node:fs/promises';

const MOST_HEADER = 100_000_000;

/** Whether a safetensors file is whole: its header is JSON and its tensors end where the file does. A sentence when not. */
export async function checkSafetensors(path: string): Promise<string | undefined> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const start = Buffer.alloc(8);
    await file.read(start, 0, 8, 0);
    const length = Number(start.readBigUInt64LE(0));
    if (size < 8 || length > Math.min(MOST_HEADER, size - 8))
      return `${path}: expected a safetensors file, got one whose header of ${length} bytes does not fit into its ${size} bytes`;
    const header = Buffer.alloc(length);
    await file.read(header, 0, length, 8);
    const end = endOfTensors(header.toString('utf8'));
    if (end === undefined) return `${path}: expected a safetensors file, got one whose header is no list of tensors`;
    if (8 + length + end !== size)
      return `${path}: expected ${8 + length + end} bytes as its header says, got ${size}: it is cut off or was changed`;
    return undefined;
  } finally {
    await file.close();
  }
}

function endOfTensors(header: string): number | undefined {
  try {
    const tensors = JSON.parse(header) as Record<string, { readonly data_offsets?: readonly number[] }>;
    const ends = Object.entries(tensors)
      .filter(([name]) => name !== '__metadata__')
      .map(([, { data_offsets }]) => data_offsets?.[1]);
    if (!ends.every((end) => typeof end === 'number')) return undefined;
    return ends.reduce((most, end) => Math.max(most, end), 0);
  } catch {
    return undefined;
  }
}
