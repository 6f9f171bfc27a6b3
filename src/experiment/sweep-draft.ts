import { z } from 'zod';
import type { ArmName } from './arm.ts';
import type { ModelSpec } from './stage-spec.ts';
import {
  ANALYSIS_FIELDS,
  BBQ_GSM8K_FIELDS,
  GRAMMAR_FIELDS,
  JSONL_FIELDS,
  RESOURCE_FIELDS,
  RETRY_FIELDS,
  SESSIONS_FIELDS,
  SWEEP_FIELDS,
  TRAINING,
  type WrittenModel,
  type WrittenModelFields,
  type WrittenSession,
} from './sweep-schema.ts';
import { BBQ_NOTION } from './text-recipe.ts';
import { isRecord, type YamlSource } from './yaml-source.ts';

/** Models by name: the catalog of configs/models, or of a cluster. */
export type ModelCatalog = Readonly<Record<string, ModelSpec>>;

/** Everything in the file that could be read, section by section. */
export type Draft = ReturnType<typeof readDraft>;

export function readDraft(source: YamlSource) {
  const section = z.unknown();
  const root = source.readFields(
    {
      ...SWEEP_FIELDS,
      data: section,
      training: section,
      sessions: section,
      analysis: section,
      resources: section,
      retries: section,
    },
    source.value,
    [],
  );
  return {
    ...root,
    seeds: root.seeds === undefined ? undefined : expandSeeds(root.seeds),
    models: root.models?.map(namedModel),
    data: readData(source, root.data),
    training: source.readFields(TRAINING, root.training, ['training']),
    sessions: source.readFields(SESSIONS_FIELDS, root.sessions, ['sessions']),
    analysis: source.readFields(ANALYSIS_FIELDS, root.analysis, ['analysis']),
    resources: source.readFields(RESOURCE_FIELDS, root.resources ?? {}, ['resources']),
    retries: source.readFields(RETRY_FIELDS, root.retries ?? {}, ['retries']),
  };
}

/** A model that is named by its weights alone bears their name. */
function namedModel(model: WrittenModel): WrittenModelFields & { readonly name: string } {
  if (typeof model === 'string') return { name: model };
  return { ...model, name: model.name ?? model.weights ?? '' };
}

/** The fields of the kind that is named; of an unknown kind the grammar's, which reports it. */
function readData(source: YamlSource, value: unknown) {
  const kind = isRecord(value) ? value.kind : undefined;
  const field = ['data'];
  if (kind === 'bbq-gsm8k') return { ...source.readFields(BBQ_GSM8K_FIELDS, value, field), kind: 'bbq-gsm8k' as const };
  if (kind === 'jsonl') return { ...source.readFields(JSONL_FIELDS, value, field), kind: 'jsonl' as const };
  return { ...source.readFields(GRAMMAR_FIELDS, value, field), kind: 'policy-grammar' as const };
}

/** The notion that the contrast is about; undefined where it could not be read. */
export function notionOfDraft({ data }: Pick<Draft, 'data'>): string | undefined {
  return data.kind === 'bbq-gsm8k' ? BBQ_NOTION : data.notion;
}

function expandSeeds(seeds: readonly number[] | string): readonly number[] {
  if (typeof seeds !== 'string') return seeds;
  const [first = 0, last = 0] = seeds.split('..').map(Number);
  // A range of a million seeds is refused by the number of its runs; 10,001 are enough to see that.
  return Array.from({ length: Math.min(10_001, Math.max(0, last - first + 1)) }, (_, index) => first + index);
}

/** The anchors as steps; `{ every: n }` counts from 0 to the last step. */
export function anchorSteps({ anchors, steps }: Pick<WrittenSession, 'anchors' | 'steps'>): readonly number[] {
  if (anchors === undefined) return [];
  if (Array.isArray(anchors)) return anchors;
  const { every } = anchors;
  return Array.from({ length: Math.floor(steps / every) + 1 }, (_, index) => index * every);
}

export function primaryArmOf(arms: readonly ArmName[]): ArmName {
  return arms.includes('forgetting') ? 'forgetting' : (arms[0] ?? 'forgetting');
}

/** The review of the primary arm: in the interleaved arm, the review of a round. */
export function primaryReview({ arms, analysis, sessions }: Draft): WrittenSession | undefined {
  const primary = analysis.primaryArm ?? primaryArmOf(arms ?? []);
  if (!sessions.review || primary !== 'interleaved') return sessions.review;
  return { ...sessions.review, ...sessions.interleaved?.review };
}
