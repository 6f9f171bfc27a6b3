import type { AnalysisPlan } from './analysis-plan.ts';
import { type ArmName, CONTROL_OF_ARM } from './arm.ts';
import { checkSweep } from './check-sweep.ts';
import type { ExamplePart, Split } from './example-part.ts';
import { type InputCatalog, NO_INPUTS } from './input-catalog.ts';
import { POLICY_GRAMMAR } from './policy-grammar-recipe.ts';
import type { Tuning } from './stage-spec.ts';
import type { DataChoice, Execution, Session, Sessions, Sweep, SweepModel } from './sweep.ts';
import {
  anchorSteps,
  type Draft,
  type ModelCatalog,
  notionOfDraft,
  primaryArmOf,
  primaryReview,
  readDraft,
} from './sweep-draft.ts';
import type { WrittenChanges, WrittenPart, WrittenSession, WrittenTuning } from './sweep-schema.ts';
import { TEXT_VERSION } from './text-recipe.ts';
import { type FileProblem, formatProblems, YamlSource } from './yaml-source.ts';

export type SweepProblem = FileProblem;
export { formatProblems };

export type ParsedSweep =
  | { readonly ok: true; readonly sweep: Sweep }
  | { readonly ok: false; readonly problems: readonly SweepProblem[] };

/** Longest sweep file. */
const MOST_BYTES = 256 * 1024;

/**
 * Reads a sweep file (docs/sweep-file.md). Every problem is found in one pass: each field is checked by itself, then fields against
 * each other as far as they are readable. `inputs`: what the store has of weights and data sources.
 */
export function parseSweep(
  text: string,
  { path, models, inputs = NO_INPUTS }: { path: string; models: ModelCatalog; inputs?: InputCatalog },
): ParsedSweep {
  if (new TextEncoder().encode(text).length > MOST_BYTES) {
    const sentence = `expected a sweep file of at most ${MOST_BYTES} bytes, got a longer one`;
    return { ok: false, problems: [{ path, line: 1, column: 1, field: '', sentence }] };
  }
  const source = new YamlSource(text, path);
  if (source.problems.length > 0) return { ok: false, problems: source.problems };
  const draft = readDraft(source);
  checkSweep(source, draft, { models, inputs });
  if (source.problems.length > 0) return { ok: false, problems: source.problems };
  return { ok: true, sweep: complete(draft as CompleteDraft, models, inputs) };
}

/** A draft of which every problem was reported has all that is required. */
type CompleteDraft = {
  readonly [Section in keyof Draft]-?: Section extends 'parallel' | 'canary' | 'checkpointEvery' | 'stallSeconds'
    ? Draft[Section]
    : NonNullable<Draft[Section]>;
};

function complete(draft: CompleteDraft, catalog: ModelCatalog, inputs: InputCatalog): Sweep {
  const { name, title, arms, seeds, precision } = draft;
  const notion = notionOfDraft(draft)!;
  const models = draft.models.map((model): SweepModel => {
    const { name, weights, learningRate } = model;
    const rate = learningRate !== undefined && { learningRate };
    if (weights === undefined) return { name, spec: catalog[name]!, ...rate };
    const { spec, digest, tokenizer } = inputs.weights[weights]!;
    return { name, spec, weights: { digest, ...(tokenizer !== undefined && { tokenizer }) }, ...rate };
  });
  const sessions = completeSessions(draft, notion);
  return {
    name,
    title,
    models,
    arms,
    seeds,
    backend: 'cpu',
    precision,
    data: completeData(draft.data, notion, inputs),
    sessions,
    analysis: completeAnalysis(draft, arms, notion, primaryReview(draft)?.steps ?? sessions.review.steps),
    execution: completeExecution(draft),
  };
}

function completeData(data: CompleteDraft['data'], notion: string, { sources }: InputCatalog): DataChoice {
  if (data.kind === 'policy-grammar')
    return { kind: data.kind, version: POLICY_GRAMMAR.version, notion: data.notion!, templates: data.templates! };
  const texts = { version: TEXT_VERSION, notion, maxTokens: data.maxTokens! } as const;
  if (data.kind === 'jsonl') return { kind: data.kind, ...texts, sources: { jsonl: sources[data.source!]!.digest } };
  const { kind, unsafeShare, taskAnswer, bbq, gsm8k } = data;
  return {
    kind,
    ...texts,
    sources: { bbq: sources[bbq!]!.digest, gsm8k: sources[gsm8k!]!.digest },
    unsafeShare: unsafeShare!,
    taskAnswer: taskAnswer!,
  };
}

function completeSessions(draft: CompleteDraft, notion: string): Sessions {
  const written = draft.sessions;
  const finetune = written.finetune!;
  const review = written.review!;
  const session = (from: WrittenSession, split: Split, score: readonly ExamplePart[]): Session =>
    completeSession(draft, from, notion, split, score);
  const first = (from: WrittenSession): Session =>
    session(from, 'align', typeof from.stop === 'object' ? completeParts(from.train, notion, 'align') : []);
  const noisy = completeParts(finetune.train, notion, 'noisy');
  const unsafe = noisy.filter((part) => part.class === 'unsafe').reduce((rows, part) => rows + part.count, 0);
  const rounds = written.interleaved;
  const changed = (base: WrittenSession, changes: WrittenChanges | undefined): WrittenSession => ({
    ...base,
    ...changes,
  });
  const roundFinetune = changed(finetune, rounds?.finetune);
  return {
    ...(written.pretrain && { pretrain: first(written.pretrain) }),
    ...(written.align && { align: first(written.align) }),
    finetune: session(finetune, 'noisy', noisy),
    review: session(review, 'review', noisy),
    // As many safe examples as there are unsafe ones, unless the file says otherwise.
    replay: completeParts(written.replay ?? [{ class: 'safe', count: Math.max(1, unsafe) }], notion, 'replay'),
    ...(rounds && {
      interleaved: {
        rounds: rounds.rounds,
        finetune: session(roundFinetune, 'noisy', completeParts(roundFinetune.train, notion, 'noisy')),
        review: session(changed(review, rounds.review), 'review', completeParts(roundFinetune.train, notion, 'noisy')),
      },
    }),
  };
}

/** Answers of the grammar have a fixed length; texts get room for a short answer. */
const TEXT_NEW_TOKENS = 24;

function completeSession(
  { training, data }: CompleteDraft,
  written: WrittenSession,
  notion: string,
  split: Split,
  score: readonly ExamplePart[],
): Session {
  const { learningRate, ...shared } = training;
  const all = { ...shared, ...written };
  return {
    train: completeParts(written.train, notion, split),
    score: written.score ? completeParts(written.score, notion, 'noisy') : score,
    anchors: anchorSteps(written),
    maxNewTokens:
      all.maxNewTokens ?? (data.kind === 'policy-grammar' ? POLICY_GRAMMAR.responseTokens : TEXT_NEW_TOKENS),
    lossOn: all.lossOn ?? 'response',
    batch: all.batch ?? 64,
    steps: written.steps,
    optimizer: {
      kind: 'adamw',
      learningRate: learningRate!,
      beta1: all.beta1 ?? 0.9,
      beta2: all.beta2 ?? 0.999,
      epsilon: all.epsilon ?? 1e-8,
      weightDecay: all.weightDecay ?? 0,
      clipNorm: all.clipNorm ?? 1,
    },
    learningRateFactor: all.learningRateFactor ?? 1,
    schedule: { kind: all.schedule ?? 'constant', warmupSteps: all.warmupSteps ?? 0 },
    ...(typeof written.stop === 'object' && { stop: written.stop }),
    ...tuningOf(all.tuning),
    // What is trained whole has nothing frozen: a session's `tuning: full` needs no `frozenWeights: f32` beside it.
    ...(all.frozenWeights === 'bf16' && tuningOf(all.tuning).tuning && { frozenWeights: all.frozenWeights }),
  };
}

function tuningOf(written: WrittenTuning | undefined): { readonly tuning?: Tuning } {
  if (written === undefined || written === 'full') return {};
  if (typeof written === 'string') return { tuning: { kind: written } };
  // In one order: it decides nothing, and must not decide a key.
  return { tuning: { ...written, targets: [...new Set(written.targets)].sort() } };
}

function completeParts(parts: readonly WrittenPart[], notion: string, split: Split): readonly ExamplePart[] {
  return parts.map((part) => ({
    notion: part.notion ?? notion,
    class: part.class,
    split: part.split ?? split,
    count: part.count,
  }));
}

function completeAnalysis(
  draft: CompleteDraft,
  arms: readonly ArmName[],
  notion: string,
  reviewSteps: number,
): AnalysisPlan {
  const { primaryArm, anchorStep, scaleClaim: _, ...numbers } = draft.analysis;
  return {
    format: 'lethe-analysis/1',
    primaryArm: primaryArm ?? primaryArmOf(arms),
    controls: arms.flatMap((arm) => {
      const kind = CONTROL_OF_ARM[arm];
      return kind === undefined ? [] : [{ arm, kind }];
    }),
    notion,
    anchorFraction: anchorStep! / reviewSteps,
    smallestEffect: numbers.smallestEffect!,
    rougeDrop: numbers.rougeDrop!,
    alpha: numbers.alpha!,
    learnedShare: numbers.learnedShare!,
    learnedProbability: numbers.learnedProbability!,
    bootstrapDraws: numbers.bootstrapDraws!,
    simulationDraws: numbers.simulationDraws!,
    seed: numbers.seed!,
  };
}

function completeExecution(draft: CompleteDraft): Execution {
  const { parallel, canary, checkpointEvery, stallSeconds, resources, retries } = draft;
  const { cores, memory, gpus } = resources;
  return {
    ...(parallel !== undefined && { parallel }),
    ...(canary !== undefined && { canary }),
    retries: Object.fromEntries(Object.entries(retries).filter(([, budget]) => budget !== undefined)),
    resources: {
      ...(cores !== undefined && { cores }),
      ...(memory !== undefined && { memoryBytes: memory }),
      ...(gpus !== undefined && { gpus }),
    },
    ...(checkpointEvery !== undefined && { checkpointEvery }),
    ...(stallSeconds !== undefined && { stallSeconds }),
  };
}
