import { canonicalJson } from './canonical-json.ts';
import { commandToAddModel, type InputCatalog } from './input-catalog.ts';
import { EXAMPLE_TOKENS, POLICY_GRAMMAR } from './policy-grammar-recipe.ts';
import { reportRepeats } from './report-repeats.ts';
import { LORA_TARGETS_OF, type ModelSpec } from './stage-spec.ts';
import { suggest } from './suggest.ts';
import type { Draft, ModelCatalog } from './sweep-draft.ts';
import { type FieldPath, list, quote, type YamlSource } from './yaml-source.ts';

export interface KnownModels {
  /** Shapes, which start from random weights. */
  readonly models: ModelCatalog;
  readonly inputs: InputCatalog;
}

export function checkModels(source: YamlSource, draft: Draft, known: KnownModels): void {
  const models = draft.models ?? [];
  reportRepeats(
    source,
    ['models'],
    models.map(({ name }) => name),
    'a model',
  );
  const firstOfShape = new Map<string, string>();
  let family: { name: string; family: string } | undefined;
  for (const [index, model] of models.entries()) {
    const { name } = model;
    const field = ['models', index];
    const spec = specOf(source, field, model, known);
    if (!spec) continue;
    family ??= { name, family: spec.family };
    if (spec.family !== family.family)
      source.report(
        field,
        `expected one family in a ladder (${family.name} is ${family.family}), got ${name} of ${spec.family}: scale and family would be mixed up`,
      );
    const shape = canonicalJson(spec);
    const twin = firstOfShape.get(shape);
    if (twin !== undefined && twin !== name)
      source.report(field, `expected models of different shapes, got ${name} with the shape of ${twin}`);
    firstOfShape.set(shape, twin ?? name);
    checkRoom(source, field, draft, { name, spec });
    checkTargets(source, draft, { name, spec });
  }
  if (draft.analysis.scaleClaim !== false && draft.models && new Set(models.map(({ name }) => name)).size < 3)
    source.report(
      ['models'],
      `expected at least 3 scales to test a claim about scale (or analysis.scaleClaim: false), got ${models.length}`,
    );
}

/** The model's shape; undefined, and reported, where nothing of that name is known. */
function specOf(
  source: YamlSource,
  field: FieldPath,
  { name, weights }: { readonly name: string; readonly weights?: string },
  { models, inputs }: KnownModels,
): ModelSpec | undefined {
  if (weights !== undefined) {
    const added = Object.hasOwn(inputs.weights, weights) ? inputs.weights[weights] : undefined;
    if (!added)
      source.report(
        [...field, 'weights'],
        `expected a model that was added to the store, got ${quote(weights)}; add it with: ${commandToAddModel(weights, inputs.store)}`,
        suggest(weights, Object.keys(inputs.weights)),
      );
    return added?.spec;
  }
  if (name === '') {
    source.report(field, 'expected a model with a name or with weights, got neither');
    return undefined;
  }
  const spec = Object.hasOwn(models, name) ? models[name] : undefined;
  if (spec) return spec;
  if (Object.hasOwn(inputs.weights, name))
    source.report(
      field,
      `expected a model of the catalog; ${quote(name)} is one with weights of the store, so write { weights: ${name} }`,
    );
  else source.reportName(field, 'a model of the catalog', name, Object.keys(models).sort());
  return undefined;
}

interface NamedSpec {
  readonly name: string;
  readonly spec: ModelSpec;
}

/** Whether the sweep's examples fit into the model's vocabulary and context. */
function checkRoom(source: YamlSource, field: FieldPath, draft: Draft, { name, spec }: NamedSpec): void {
  const grammar = draft.data.kind === 'policy-grammar';
  if (grammar && spec.vocabulary < POLICY_GRAMMAR.vocabulary)
    source.report(
      field,
      `expected a vocabulary of at least ${POLICY_GRAMMAR.vocabulary}, the words of the grammar; got ${name} with ${spec.vocabulary}`,
    );
  const longest =
    draft.data.kind === 'policy-grammar'
      ? Math.max(EXAMPLE_TOKENS, POLICY_GRAMMAR.promptTokens + mostNewTokens(draft))
      : (draft.data.maxTokens ?? 0);
  if (spec.context < longest)
    source.report(
      field,
      `expected a context of at least ${longest} tokens (prompt and response), got ${name} with ${spec.context}`,
    );
}

/** Adapters are asked for by the names of one family's matrices. */
function checkTargets(source: YamlSource, { training, sessions }: Draft, { name, spec }: NamedSpec): void {
  const places: readonly (readonly [FieldPath, Draft['training']['tuning']])[] = [
    [['training'], training.tuning],
    [['sessions', 'align'], sessions.align?.tuning],
    [['sessions', 'finetune'], sessions.finetune?.tuning],
    [['sessions', 'review'], sessions.review?.tuning],
    [['sessions', 'interleaved', 'finetune'], sessions.interleaved?.finetune?.tuning],
    [['sessions', 'interleaved', 'review'], sessions.interleaved?.review?.tuning],
  ];
  const known = LORA_TARGETS_OF[spec.family];
  for (const [place, tuning] of places) {
    if (typeof tuning !== 'object') continue;
    const foreign = tuning.targets.filter((target) => !known.includes(target));
    if (foreign.length > 0)
      source.report(
        [...place, 'tuning', 'targets'],
        `expected matrices of the ${spec.family} family (${list(known)}), as ${name} is one; got ${list(foreign)}`,
      );
  }
}

function mostNewTokens({ training, sessions }: Draft): number {
  const { pretrain, align, finetune, review } = sessions;
  return Math.max(
    POLICY_GRAMMAR.responseTokens,
    ...[training, pretrain, align, finetune, review].map((from) => from?.maxNewTokens ?? 0),
  );
}
