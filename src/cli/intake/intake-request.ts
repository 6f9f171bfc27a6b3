import { z } from 'zod';
import { name } from '../../experiment/file-values.ts';
import { SOURCE_KINDS, type SourceKind } from '../../experiment/input-catalog.ts';
import type { FilesByName, ModelManifest, SourceManifest } from '../../experiment/input-manifests.ts';

/** First file of the archive that is sent to it; the files themselves follow as `files/<name>`. */
export const REQUEST_FILE = 'intake.json';

interface Common {
  readonly format: 'lethe-intake/1';
  readonly name: string;
  readonly replace: boolean;
  /** What the person gave, for the manifest. */
  readonly source: string;
  /** What follows, with sums to be met. Empty: the Job fetches `source` itself. */
  readonly files: FilesByName;
}

export type IntakeRequest =
  | (Common & { readonly kind: 'model'; readonly licence?: string; readonly named: boolean })
  | (Common & { readonly kind: 'source'; readonly sourceKind: SourceKind; readonly single?: string });

/** What the Job says, a JSON object a line; the last one is `done` or `failed`. */
export type IntakeEvent =
  | { readonly event: 'say'; readonly text: string }
  | { readonly event: 'bytes'; readonly done: number; readonly total: number }
  | {
      readonly event: 'done';
      readonly name: string;
      readonly manifest: ModelManifest | SourceManifest;
      readonly added: boolean;
      readonly notes: readonly string[];
    }
  | { readonly event: 'failed'; readonly sentence: string };

const fileName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/);
const facts = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.int().min(0) });
const common = {
  format: z.literal('lethe-intake/1'),
  name: name(),
  replace: z.boolean(),
  source: z.string().max(4096),
  files: z.record(fileName, facts),
};
export const intakeRequestSchema = z.discriminatedUnion('kind', [
  z.object({ ...common, kind: z.literal('model'), licence: z.string().max(200).optional(), named: z.boolean() }),
  z.object({ ...common, kind: z.literal('source'), sourceKind: z.enum(SOURCE_KINDS), single: fileName.optional() }),
]);
