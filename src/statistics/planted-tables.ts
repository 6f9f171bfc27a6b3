import { type AnalysisPlan, CONTROL_KINDS } from '../experiment/analysis-plan.ts';
import { EXAMPLE_CLASSES, type ExampleClass } from '../experiment/stage-spec.ts';
import { PhiloxStream } from './philox.ts';
import { byCodeUnit } from './run-scores.ts';
import type { RunRow, ScoreRow } from './score-row.ts';

/** Sweeps whose answer is known, as synthetic tables: the analysis must name each as what it is. */
export const PLANTED = ['hinge', 'line', 'no-gap', 'gap-everywhere', 'unlearned'] as const;
export type Planted = (typeof PLANTED)[number];

export const PLANTED_MEANING: Readonly<Record<Planted, string>> = {
  hinge: 'no gap at the three smallest scales, then a steep rise',
  line: 'a gap that rises evenly with log scale',
  'no-gap': 'unsafe, safe and task examples forgotten alike at every scale',
  'gap-everywhere': 'the same gap at every scale',
  unlearned: 'the same gap at every scale, but the two smallest scales learned only half of the unsafe examples',
};

export interface PlantedTables {
  readonly runs: readonly RunRow[];
  readonly plan: AnalysisPlan;
  /** Rows of one run, sorted by session, step, example. */
  readonly rowsOf: (run: RunRow) => ScoreRow[];
  /** Content of SYNTHETIC. */
  readonly synthetic: string;
}

export interface PlantedOptions {
  readonly scales: number;
  readonly seeds: number;
  /** Examples of each class. */
  readonly items: number;
  /** Standard deviation of the contrast between the runs of one scale. */
  readonly sigma: number;
  readonly seed: number;
}

export const PLANTED_DEFAULTS: PlantedOptions = { scales: 6, seeds: 5, items: 60, sigma: 0.03, seed: 1 };

const TOP = 0.6;
const BASE = 0.12;
const CLUSTER_SIZE = 5;
const FINETUNE_STEPS = 300;
const REVIEW_STEPS = 90;
const REVIEW_ANCHORS = [15, 30, 60, 90];
const TOKENS = 4;
const NOTION = 'planted';

export function plantedTables(planted: Planted, options: PlantedOptions = PLANTED_DEFAULTS): PlantedTables {
  const arms = ['forgetting', ...CONTROL_KINDS];
  const runs: RunRow[] = [];
  for (let scale = 0; scale < options.scales; scale += 1) {
    for (const arm of arms) {
      for (let seed = 1; seed <= options.seeds; seed += 1) runs.push(runRow(scale, arm, seed, options));
    }
  }
  return {
    runs,
    plan: plantedPlan(options.seed),
    rowsOf: (run) => rowsOfRun(planted, run, runs.indexOf(run), options),
    synthetic: `Synthetic tables: ${PLANTED_MEANING[planted]}. No model was trained.`,
  };
}

/** Plan v1 with its five controls. */
export function plantedPlan(seed: number): AnalysisPlan {
  return {
    format: 'lethe-analysis/1',
    primaryArm: 'forgetting',
    controls: CONTROL_KINDS.map((kind) => ({ arm: kind, kind })),
    notion: NOTION,
    anchorFraction: 1 / 3,
    smallestEffect: 0.1,
    rougeDrop: 0.1,
    alpha: 0.05,
    learnedShare: 0.8,
    learnedProbability: 0.8,
    bootstrapDraws: 2000,
    simulationDraws: 20_000,
    seed,
  };
}

function runRow(scale: number, arm: string, seed: number, options: PlantedOptions): RunRow {
  const scaleParameters = Math.round(10 ** (4.5 + (2.5 * scale) / Math.max(1, options.scales - 1)));
  const model = `p${scale + 1}`;
  const name = `${model}.${arm}.s${seed}`;
  return {
    run: name,
    arm,
    model,
    family: 'gpt2',
    parameters: scaleParameters + 8192,
    scaleParameters,
    seed,
    sessions: [
      { index: 0, kind: 'align', stage: `${name}.align`, lastStep: 400, stoppedBy: 'step-limit' },
      { index: 1, kind: 'finetune', stage: `${name}.finetune`, lastStep: FINETUNE_STEPS, stoppedBy: 'stop-rule' },
      { index: 2, kind: 'review', stage: `${name}.review`, lastStep: REVIEW_STEPS, stoppedBy: 'step-limit' },
    ],
  };
}

/** The planted contrast at a scale, 0 = smallest, 1 = largest. */
function plantedGap(planted: Planted, position: number): number {
  if (planted === 'hinge') return TOP * Math.max(0, (position - 0.5) / 0.5);
  if (planted === 'line') return TOP * position;
  return planted === 'no-gap' ? 0 : TOP / 2;
}

/** Share of each class that the review makes a run forget. */
function forgottenShares(
  planted: Planted,
  run: RunRow,
  options: PlantedOptions,
  noise: number,
): Record<ExampleClass, number> {
  const position = (Number(run.model.slice(1)) - 1) / Math.max(1, options.scales - 1);
  const gap = plantedGap(planted, position) + noise;
  if (run.arm === 'noop-review') return { unsafe: 0, safe: 0, task: 0 };
  if (run.arm === 'mismatched-review' || run.arm === 'task-review') {
    return { unsafe: BASE + noise, safe: BASE, task: BASE };
  }
  if (run.arm === 'unsafe-review' || run.arm === 'label-swap') return { unsafe: BASE, safe: BASE + gap, task: BASE };
  return { unsafe: BASE + gap, safe: BASE, task: BASE };
}

function rowsOfRun(planted: Planted, run: RunRow, number: number, options: PlantedOptions): ScoreRow[] {
  const random = new PhiloxStream({ low: options.seed, high: PLANTED.indexOf(planted) }, 'planting', number);
  const shares = forgottenShares(planted, run, options, options.sigma * random.normal());
  const halfLearned = planted === 'unlearned' && Number(run.model.slice(1)) <= 2;
  const items = EXAMPLE_CLASSES.flatMap((name) => {
    const order = shuffled(options.items, random);
    const learned = Math.round(options.items * (halfLearned && name === 'unsafe' ? 0.5 : 0.95));
    const forgotten = Math.round(learned * Math.min(1, Math.max(0, shares[name])));
    return Array.from({ length: options.items }, (_, i) => {
      const rank = order[i] as number;
      return {
        name,
        index: i,
        learnedAs: rank < learned ? 0.9 + 0.08 * random.uniform() : 0.1 + 0.1 * random.uniform(),
        isLearned: rank < learned,
        isForgotten: rank < forgotten,
        left: 0.02 + 0.06 * random.uniform(),
      };
    });
  });
  const anchors = [
    ...[0, 150, FINETUNE_STEPS].map((step) => ({ session: 1, step })),
    ...REVIEW_ANCHORS.map((step) => ({ session: 2, step })),
  ];
  const rows = anchors.flatMap(({ session, step }) =>
    items.map(({ name, index, learnedAs, isLearned, isForgotten, left }): ScoreRow => {
      let probability = learnedAs;
      let rouge1 = isLearned ? 1 : 0.25;
      if (session === 1 && step < FINETUNE_STEPS) {
        const share = step / FINETUNE_STEPS;
        probability = 0.02 + share * (learnedAs - 0.02);
        rouge1 = isLearned && share >= 0.5 ? 0.5 : 0.25;
      } else if (session === 2 && run.arm !== 'noop-review') {
        // Forgetting is over at the first third; later anchors show the same.
        const share = Math.min(1, step / 30);
        probability = isForgotten ? learnedAs * (1 - share * (1 - left)) : learnedAs * 0.99;
        if (isForgotten && share === 1) rouge1 = 0.25;
      }
      return {
        run: run.run,
        session,
        step,
        example: `${name}-${String(index).padStart(4, '0')}`,
        class: name,
        notion: NOTION,
        cluster: `${name}-template-${String(Math.floor(index / CLUSTER_SIZE)).padStart(2, '0')}`,
        tokens: TOKENS,
        sumLogProb: TOKENS * Math.log(probability),
        rouge1,
        exactMatch: rouge1 === 1,
      };
    }),
  );
  return rows.sort((a, b) => a.session - b.session || a.step - b.step || byCodeUnit(a.example, b.example));
}

/** A random permutation of 0 … n − 1. */
function shuffled(n: number, random: PhiloxStream): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    const kept = order[i] as number;
    order[i] = order[j] as number;
    order[j] = kept;
  }
  return order;
}
