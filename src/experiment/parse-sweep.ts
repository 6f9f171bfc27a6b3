import type { AnalysisPlan } from './analysis-plan.ts';
import { type ArmName, CONTROL_OF_ARM } from './arm.ts';
import { checkSweep } from './check-sweep.ts';
import { type GrammarPart, type Notion, POLICY_GRAMMAR, type Split } from './policy-grammar-recipe.ts';
import type { Execution, Session, Sessions, Sweep, SweepModel } from './sweep.ts';
import { anchorSteps, type Draft, type ModelCatalog, primaryArmOf, primaryReview, readDraft } from './sweep-draft.ts';
import type { WrittenChanges, WrittenPart, WrittenSession } from './sweep-schema.ts';
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
 * each other as far as they are readable.
 */
export function parseSweep(text: string, { path, models }: { path: string; models: ModelCatalog }): ParsedSweep {
  if (new TextEncoder().encode(text).length > MOST_BYTES) {
    const sentence = `expected a sweep file of at most ${MOST_BYTES} bytes, got a longer one`;
    return { ok: false, problems: [{ path, line: 1, column: 1, field: '', sentence }] };
  }
  const source = new YamlSource(text, path);
  if (source.problems.length > 0) return { ok: false, problems: source.problems };
  const draft = readDraft(source);
  checkSweep(source, draft, models);
  if (source.problems.length > 0) return { ok: false, problems: source.problems };
  return { ok: true, sweep: complete(draft as CompleteDraft, models) };
}

/** A draft of which every problem was reported has all that is required. */
type CompleteDraft = {
  readonly [Section in keyof Draft]-?: Section extends 'parallel' | 'canary' | 'checkpointEvery' | 'stallSeconds'
    ? Draft[Section]
    : NonNullable<Draft[Section]>;
};

function complete(draft: CompleteDraft, catalog: ModelCatalog): Sweep {
  const { name, title, arms, seeds, precision } = draft;
  const data = {
    kind: POLICY_GRAMMAR.kind,
    version: POLICY_GRAMMAR.version,
    notion: draft.data.notion!,
    templates: draft.data.templates!,
  };
  const models = draft.models.map(
    (model): SweepModel => ({
      name: model.name,
      spec: catalog[model.name]!,
      ...(model.learningRate !== undefined && { learningRate: model.learningRate }),
    }),
  );
  const sessions = completeSessions(draft, data.notion);
  return {
    name,
    title,
    models,
    arms,
    seeds,
    backend: 'cpu',
    precision,
    data,
    sessions,
    analysis: completeAnalysis(draft, arms, data.notion, primaryReview(draft)?.steps ?? sessions.review.steps),
    execution: completeExecution(draft),
  };
}

function completeSessions(draft: CompleteDraft, notion: Notion): Sessions {
  const written = draft.sessions;
  const finetune = written.finetune!;
  const review = written.review!;
  const session = (from: WrittenSession, split: Split, score: readonly GrammarPart[]): Session =>
    completeSession(draft.training, from, notion, split, score);
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

function completeSession(
  training: CompleteDraft['training'],
  written: WrittenSession,
  notion: Notion,
  split: Split,
  score: readonly GrammarPart[],
): Session {
  const { learningRate, ...shared } = training;
  const all = { ...shared, ...written };
  return {
    train: completeParts(written.train, notion, split),
    score: written.score ? completeParts(written.score, notion, 'noisy') : score,
    anchors: anchorSteps(written),
    maxNewTokens: all.maxNewTokens ?? POLICY_GRAMMAR.responseTokens,
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
  };
}

function completeParts(parts: readonly WrittenPart[], notion: Notion, split: Split): readonly GrammarPart[] {
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
  notion: Notion,
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
