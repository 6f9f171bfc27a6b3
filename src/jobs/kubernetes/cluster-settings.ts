import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { bytes, number, positive, whole } from '../../experiment/file-values.ts';
import { messageOf } from '../../experiment/message-of.ts';
import { countParameters } from '../../experiment/model-size.ts';
import type { ModelSpec } from '../../experiment/stage-spec.ts';

/** What jobs of one model scale get. Every field may stand in `defaults` and again, with the last word, in a scale. */
export interface ScaleSettings {
  readonly cores?: number;
  /** Request and limit; by default computed from the model's memory. */
  readonly memory?: number;
  readonly gpus?: number;
  readonly gpuResource: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Readonly<Record<string, unknown>>[];
  readonly runtimeClass?: string;
  readonly priorityClass?: string;
  /** LocalQueue of Kueue: its Jobs are created suspended. */
  readonly queue?: string;
  /** Between SIGTERM and SIGKILL; by default computed from what a checkpoint of the stage takes. */
  readonly graceSeconds?: number;
}

/** Where and how jobs run in a cluster: the file given to `--cluster`. docs/kubernetes.md says each field. */
export interface ClusterSettings {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly imagePullSecrets: readonly string[];
  /** Program of the trainer in the image. */
  readonly trainer: readonly string[];
  readonly store: { readonly claim: string; readonly subPath?: string };
  readonly serviceAccount?: string;
  /** Owner of the store's root: the worker's as well. */
  readonly user: number;
  readonly group: number;
  /** Most memory that a job can be given: where the memory ladder ends. */
  readonly memoryLimit: number;
  readonly defaults: ScaleSettings;
  /** By size, smallest first. */
  readonly scales: readonly (Partial<ScaleSettings> & { readonly upTo: number })[];
  readonly nodeLostSeconds: number;
  readonly imageSeconds: number;
  readonly unschedulableSeconds: number;
  /** How long a finished Job stays after its evidence was kept. */
  readonly keptSeconds: number;
  /** Longest time between two looks at a job whose changes were missed. */
  readonly pollSeconds: number;
}

/** Thrown with the field and its bound. */
export class BadClusterSettings extends Error {
  override readonly name = 'BadClusterSettings';
}

const text = z.string().min(1);
const program = z.array(text).min(1);
const parameters = z
  .string()
  .regex(/^[0-9]+(?:\.[0-9]+)?[KMB]?$/, { error: 'a number of parameters such as 350M or 1.5B' })
  .transform((written) => Number.parseFloat(written) * ({ K: 1e3, M: 1e6, B: 1e9 }[written.slice(-1)] ?? 1));
const scale = {
  cores: positive(1024).optional(),
  memory: bytes().optional(),
  gpus: whole(0, 64).optional(),
  gpuResource: text.optional(),
  nodeSelector: z.record(text, z.string()).optional(),
  tolerations: z.array(z.record(z.string(), z.unknown())).optional(),
  runtimeClass: text.optional(),
  priorityClass: text.optional(),
  queue: text.optional(),
  graceSeconds: whole(1, 86_400).optional(),
};
const settingsSchema = z.strictObject({
  // The settings are copied into the store: a path that depends on where they lie would break there.
  kubeconfig: text.startsWith('/', { error: 'an absolute path, or nothing for the one of $KUBECONFIG' }).optional(),
  context: text.optional(),
  namespace: text.optional(),
  image: text,
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
  imagePullSecrets: z.array(text).default([]),
  trainer: program.default(['/lethe-trainer']),
  store: z.strictObject({ claim: text, subPath: text.optional() }),
  serviceAccount: text.optional(),
  user: whole(1, 2 ** 31).default(65_532),
  group: whole(1, 2 ** 31).default(65_532),
  memoryLimit: bytes().default(64 * 2 ** 30),
  defaults: z.strictObject(scale).default({}),
  scales: z
    .array(z.strictObject({ upTo: z.union([positive(1e15), parameters]), ...scale }))
    .default([])
    .transform((scales) => scales.sort((a, b) => a.upTo - b.upTo)),
  nodeLostSeconds: number(0, 86_400).default(300),
  imageSeconds: number(1, 604_800).default(900),
  unschedulableSeconds: number(1, 604_800).default(900),
  keptSeconds: whole(0, 31_536_000).default(86_400),
  pollSeconds: number(0.1, 3600).default(20),
});

const DEFAULT_SCALE = { gpuResource: 'nvidia.com/gpu', nodeSelector: {}, tolerations: [] } as const;

export async function readClusterSettings(file: string): Promise<ClusterSettings> {
  let written: unknown;
  try {
    written = parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new BadClusterSettings(`${file}: expected YAML with the settings of a cluster, got: ${messageOf(error)}`);
  }
  return parseClusterSettings(written, file);
}

export function parseClusterSettings(written: unknown, path: string): ClusterSettings {
  const checked = settingsSchema.safeParse(written);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw new BadClusterSettings(
      `${path}: ${issue?.path.join('.') || 'the whole file'}: expected ${issue?.message ?? 'the settings of a cluster'} (docs/kubernetes.md)`,
    );
  }
  const settings = checked.data;
  return { ...settings, defaults: { ...DEFAULT_SCALE, ...settings.defaults } } as ClusterSettings;
}

/** The settings of the smallest scale that holds the model, over the defaults. */
export function scaleOf(settings: ClusterSettings, model: ModelSpec): ScaleSettings {
  const size = countParameters(model).parameters;
  const { upTo: _upTo, ...scale } = settings.scales.find(({ upTo }) => size <= upTo) ?? { upTo: 0 };
  return { ...settings.defaults, ...scale };
}
