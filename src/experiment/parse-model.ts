import { z } from 'zod';
import { name, number, positive, whole, yesOrNo } from './file-values.ts';
import { FAMILIES, type ModelSpec } from './stage-spec.ts';
import { type FileProblem, YamlSource } from './yaml-source.ts';

export type ParsedModel =
  | { readonly ok: true; readonly name: string; readonly spec: ModelSpec }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

const MODEL_FIELDS = {
  name: name(),
  family: z.enum(FAMILIES),
  layers: whole(1, 256),
  width: whole(2, 65_536),
  heads: whole(1, 1024),
  keyValueHeads: whole(1, 1024).optional(),
  feedForward: whole(1, 1_048_576).optional(),
  context: whole(2, 1_048_576),
  vocabulary: whole(2, 1_048_576),
  tiedHead: yesOrNo(),
  normEpsilon: positive(0.1).default(1e-5),
  ropeBase: positive(1e9).default(10_000),
  initialRange: number(0, 1).default(0.02),
};

/** A model file (docs/sweep-file.md, Model files). Reads text only; the caller knows the folder. */
export function parseModel(text: string, { path }: { path: string }): ParsedModel {
  const source = new YamlSource(text, path);
  if (source.problems.length > 0) return { ok: false, problems: source.problems };
  const fields = source.readFields(MODEL_FIELDS, source.value, []);
  const { family, width, heads } = fields;
  const keyValueHeads = fields.keyValueHeads ?? heads;
  if (width !== undefined && heads !== undefined && width % heads !== 0)
    source.report(['heads'], `expected a number of heads that divides the width ${width}, got ${heads}`);
  if (heads !== undefined && keyValueHeads !== undefined && heads % keyValueHeads !== 0)
    source.report(['keyValueHeads'], `expected a number that divides the ${heads} heads, got ${keyValueHeads}`);
  if (family === 'gpt2' && keyValueHeads !== heads)
    source.report(['keyValueHeads'], `expected ${heads} as the gpt2 family has no grouped heads, got ${keyValueHeads}`);
  if (family === 'llama' && width !== undefined && heads !== undefined && (width / heads) % 2 !== 0)
    source.report(['heads'], `expected an even head width for rotary positions, got ${width} / ${heads}`);
  if (family === 'llama' && fields.feedForward === undefined)
    source.report(['feedForward'], 'expected the width of the gated inner layer, got nothing');
  if (source.problems.length > 0) return { ok: false, problems: source.problems };
  const complete = fields as Required<typeof fields>;
  return {
    ok: true,
    name: complete.name,
    spec: {
      family: complete.family,
      layers: complete.layers,
      width: complete.width,
      heads: complete.heads,
      keyValueHeads: keyValueHeads ?? complete.heads,
      feedForward: fields.feedForward ?? 4 * complete.width,
      context: complete.context,
      vocabulary: complete.vocabulary,
      tiedHead: complete.tiedHead,
      normEpsilon: complete.normEpsilon,
      ropeBase: complete.ropeBase,
      initialRange: complete.initialRange,
    },
  };
}
