import { z } from 'zod';
import { digestOf } from './canonical-json.ts';
import { SOURCE_KINDS, type SourceKind } from './input-catalog.ts';
import { FAMILIES, type ModelSpec } from './stage-spec.ts';

/** Manifests of what is added to a store: `models/<digest>/manifest.json` and `data-sources/<digest>/manifest.json` (docs/formats.md). */

export interface FileFacts {
  readonly sha256: string;
  readonly bytes: number;
}
export type FilesByName = Readonly<Record<string, FileFacts>>;

export interface ModelManifest {
  readonly format: 'lethe-model/1';
  readonly digest: string;
  readonly name: string;
  /** What was given to `lethe model add`. */
  readonly source: string;
  readonly licence?: string;
  readonly spec: ModelSpec;
  /** Files that hold tensors. */
  readonly weights: readonly string[];
  readonly files: FilesByName;
  /** Absent: weights without a tokenizer. */
  readonly tokenizer?: { readonly digest: string };
}

export interface SourceManifest {
  readonly format: 'lethe-data-source/1';
  readonly digest: string;
  readonly kind: SourceKind;
  readonly name: string;
  readonly source: string;
  readonly licence?: string;
  readonly rows: number;
  /** Examples that can be drawn, by class. */
  readonly examples: Readonly<Record<string, number>>;
  /** Files with rows, in the order in which they are read. */
  readonly rowFiles: readonly string[];
  readonly files: FilesByName;
}

/** Whether a file of a model folder decides the model's function; others say how texts become tokens, or whose work it is. */
export function decidesFunction(file: string): boolean {
  return file === 'config.json' || /\.(safetensors|gguf)$/.test(file) || file === 'model.safetensors.index.json';
}

export function modelDigest(files: FilesByName): string {
  return digestOf(pick(files, decidesFunction));
}

export function sourceDigest(kind: SourceKind, files: FilesByName, rowFiles: readonly string[]): string {
  return digestOf({ kind, files: pick(files, (name) => rowFiles.includes(name)) });
}

/** Of the files that decide tokens and chat form. */
export function tokenizerDigest(files: FilesByName, names: readonly string[]): string {
  return digestOf(pick(files, (name) => names.includes(name)));
}

function pick(files: FilesByName, wanted: (name: string) => boolean): FilesByName {
  return Object.fromEntries(
    Object.entries(files)
      .filter(([name]) => wanted(name))
      .map(([name, { sha256, bytes }]) => [name, { sha256, bytes }]),
  );
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'a sha256 of 64 hex digits' });
/** Names become paths inside the folder: nothing may lead out of it. */
const fileName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, { error: 'a plain file name' });
const files = z.record(fileName, z.looseObject({ sha256, bytes: z.int().min(0) }));
const size = z.int().positive();

const spec = z.looseObject({
  family: z.enum(FAMILIES),
  layers: size,
  width: size,
  heads: size,
  keyValueHeads: size,
  feedForward: size,
  context: size,
  vocabulary: size,
  tiedHead: z.boolean(),
  normEpsilon: z.number().positive(),
  ropeBase: z.number().positive(),
  initialRange: z.number().min(0),
});

export const modelManifestSchema = z.looseObject({
  format: z.literal('lethe-model/1'),
  digest: sha256,
  name: z.string(),
  source: z.string(),
  licence: z.string().optional(),
  spec,
  weights: z.array(fileName).min(1),
  files,
  tokenizer: z.looseObject({ digest: sha256 }).optional(),
});

export const sourceManifestSchema = z.looseObject({
  format: z.literal('lethe-data-source/1'),
  digest: sha256,
  kind: z.enum(SOURCE_KINDS),
  name: z.string(),
  source: z.string(),
  licence: z.string().optional(),
  rows: z.int().positive(),
  examples: z.record(z.string(), z.int().min(0)),
  rowFiles: z.array(fileName).min(1),
  files,
});

export const inputNameSchema = z.looseObject({ name: z.string(), digest: sha256 });
