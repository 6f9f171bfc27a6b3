import type { Plan, PlanModel, PlanStage } from './plan.ts';
import type { KnownLengths } from './sequence-lengths.ts';
import { costOfStage, type StageCost } from './stage-cost.ts';

export interface PriceQuestion {
  /** Keys of stages that have a result already. */
  readonly doneKeys: ReadonlySet<string>;
  /** Measured speed of one slot in large products. */
  readonly flopsPerSecond: number;
  /** Stages that run side by side. */
  readonly slots: number;
  /** Memory of the machine or node, when known: what does not fit is marked. */
  readonly memoryBytes?: number;
  /** Of texts; without them they are guessed from the longest that is allowed. */
  readonly lengths?: KnownLengths;
}

/** Work and time. `seconds` is at the step limits, `leastSeconds` when each stop rule fires at its first check. */
export interface Price {
  readonly stages: number;
  readonly stagesDone: number;
  readonly trainedTokens: number;
  readonly scoredTokens: number;
  /** Of all stages, done or not. */
  readonly flops: number;
  /** Of what would run. */
  readonly flopsLeft: number;
  readonly leastSeconds: number;
  readonly seconds: number;
  readonly diskBytes: number;
}

export interface ScalePrice extends Price {
  readonly model: PlanModel;
  readonly runs: number;
  readonly runsDone: number;
  /** Largest of its stages. */
  readonly memoryBytes: number;
  readonly fits: boolean;
}

export interface PricedStage {
  readonly stage: PlanStage;
  readonly done: boolean;
  readonly cost: StageCost;
  readonly leastSeconds: number;
  readonly seconds: number;
}

export interface PricedPlan {
  readonly plan: Plan;
  readonly question: PriceQuestion;
  readonly scales: readonly ScalePrice[];
  readonly stages: readonly PricedStage[];
  readonly total: Price & { readonly runs: number; readonly runsDone: number; readonly fits: boolean };
}

/** Seconds from the launch of a stage to its first step, and from its last to the launch of the next. */
const SECONDS_PER_STAGE = 1;
/** Share of the measured speed of large products that a training step reaches: .6 to .7 at widths 32 to 192. */
const SHARE_OF_SPEED = 0.65;

/** What a plan costs, per scale and in total; what is done, and what would run. */
export function pricePlan(plan: Plan, question: PriceQuestion): PricedPlan {
  const costs = new CostTable(question.lengths);
  const stages = plan.stages.map((stage): PricedStage => {
    const cost = costs.of(stage);
    const speed = question.flopsPerSecond * SHARE_OF_SPEED;
    return {
      stage,
      done: question.doneKeys.has(stage.key),
      cost,
      leastSeconds: SECONDS_PER_STAGE + cost.leastFlops / speed,
      seconds: SECONDS_PER_STAGE + cost.flops / speed,
    };
  });
  const stagesOfModel = Map.groupBy(stages, ({ stage }) => stage.model);
  const runsOfModel = Map.groupBy(plan.runs, ({ model }) => model);
  const done = (runs: Plan['runs']) => runs.filter((run) => run.stages.every((number) => stages[number]!.done)).length;

  const scales = plan.models.map((model): ScalePrice => {
    const own = stagesOfModel.get(model.name) ?? [];
    const runs = runsOfModel.get(model.name) ?? [];
    const memoryBytes = Math.max(0, ...own.map(({ cost }) => cost.memoryBytes));
    return {
      ...priceOf(own, stages, question),
      model,
      runs: runs.length,
      runsDone: done(runs),
      memoryBytes,
      fits: question.memoryBytes === undefined || memoryBytes <= question.memoryBytes,
    };
  });
  return {
    plan,
    question,
    scales,
    stages,
    total: {
      ...priceOf(stages, stages, question),
      runs: plan.runs.length,
      runsDone: done(plan.runs),
      fits: scales.every(({ fits }) => fits),
    },
  };
}

function priceOf(own: readonly PricedStage[], all: readonly PricedStage[], { slots }: PriceQuestion): Price {
  const left = own.filter(({ done }) => !done);
  const sum = (of: readonly PricedStage[], field: (stage: PricedStage) => number) =>
    of.reduce((total, stage) => total + field(stage), 0);
  const running = left.map(({ cost }) => cost.runningDiskBytes).sort((a, b) => b - a);
  return {
    stages: own.length,
    stagesDone: own.length - left.length,
    trainedTokens: sum(own, ({ cost }) => cost.trainedTokens),
    scoredTokens: sum(own, ({ cost }) => cost.scoredTokens),
    flops: sum(own, ({ cost }) => cost.flops),
    flopsLeft: sum(left, ({ cost }) => cost.flops),
    leastSeconds: spanOf(left, all, slots, ({ leastSeconds }) => leastSeconds),
    seconds: spanOf(left, all, slots, ({ seconds }) => seconds),
    diskBytes: sum(left, ({ cost }) => cost.keptDiskBytes) + running.slice(0, slots).reduce((a, b) => a + b, 0),
  };
}

/** Time until all of `left` have run: their sum over the slots, but never less than the longest chain, whose stages wait for each other. */
function spanOf(
  left: readonly PricedStage[],
  all: readonly PricedStage[],
  slots: number,
  time: (stage: PricedStage) => number,
): number {
  const ends = new Map<number, number>();
  let longest = 0;
  let sum = 0;
  for (const priced of left) {
    const parentsEnd = Math.max(
      0,
      ...priced.stage.parents.map((parent) => (all[parent]!.done ? 0 : (ends.get(parent) ?? 0))),
    );
    const end = parentsEnd + time(priced);
    ends.set(priced.stage.number, end);
    longest = Math.max(longest, end);
    sum += time(priced);
  }
  return Math.max(longest, sum / Math.max(1, slots));
}

/** Costs do not depend on the seed: thousands of stages share few. */
class CostTable {
  readonly #known = new Map<string, StageCost>();
  readonly #lengths: KnownLengths | undefined;

  constructor(lengths: KnownLengths | undefined) {
    this.#lengths = lengths;
  }

  of({ spec, kind }: PlanStage): StageCost {
    const { train, score, model } = spec;
    const identity = JSON.stringify([
      kind,
      model,
      train && [train.data.recipe.parts, train.batch, train.steps, train.stop, train.tuning, train.frozenWeights],
      score && [score.data.recipe.kind, score.data.recipe.parts, score.atSteps, score.maxNewTokens],
    ]);
    const known = this.#known.get(identity);
    if (known) return known;
    const cost = costOfStage(spec, this.#lengths);
    this.#known.set(identity, cost);
    return cost;
  }
}
