import { open } from 'node:fs/promises';
import { z } from 'zod';

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
    const tensors = tensorsOf(header.toString('utf8'));
    if (tensors === undefined)
      return `${path}: expected a safetensors file, got one whose header is no list of tensors`;
    const foreign = tensors.find(({ name, dtype }) => !DTYPES.includes(dtype) && !BUFFER.test(name));
    if (foreign)
      return `${path}: expected tensors of ${DTYPES.join(', ')}, got ${JSON.stringify(foreign.name)} of ${foreign.dtype.slice(0, 20)}`;
    const end = tensors.reduce((most, tensor) => Math.max(most, tensor.end), 0);
    if (8 + length + end !== size)
      return `${path}: expected ${8 + length + end} bytes as its header says, got ${size}: it is cut off or was changed`;
    return undefined;
  } finally {
    await file.close();
  }
}

/** Numbers that the trainer reads. */
const DTYPES: readonly string[] = ['F32', 'F16', 'BF16'];
/** Masks and angles that older checkpoints hold beside their weights; nobody reads them. */
const BUFFER = /\.(attn\.bias|attn\.masked_bias|rotary_emb\.inv_freq)$/;

const HEADER = z.record(
  z.string(),
  z.looseObject({ dtype: z.string(), data_offsets: z.tuple([z.int().min(0), z.int().min(0)]) }),
);

function tensorsOf(
  header: string,
): { readonly name: string; readonly dtype: string; readonly end: number }[] | undefined {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(header) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { __metadata__: _, ...tensors } = value;
  const read = HEADER.safeParse(tensors);
  if (!read.success) return undefined;
  return Object.entries(read.data).map(([name, { dtype, data_offsets }]) => ({ name, dtype, end: data_offsets[1] }));
}
