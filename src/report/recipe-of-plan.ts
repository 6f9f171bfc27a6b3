import type { Plan } from '../experiment/plan.ts';
import type { StageKind, TrainSpec } from '../experiment/stage-spec.ts';
import { count, decimal } from './format.ts';

/** The training recipe of a plan in a few lines: the models, then each kind of session; where models differ, each value names its models. */
export function recipeOfPlan(plan: Plan): readonly { readonly name: string; readonly value: string }[] {
  const models = plan.models.map(({ name, spec, weights, scaleParameters }) => ({
    name,
    value: `${spec.family}, ${spec.layers} layers, width ${spec.width}, ${spec.heads} heads, ${count(scaleParameters)} non-embedding parameters${weights === undefined ? '' : `; starts from the weights ${weights.slice(0, 12)}`}`,
  }));
  const kinds = [...new Set(plan.stages.filter((stage) => stage.spec.train).map((stage) => stage.kind))];
  return [...models, ...kinds.map((kind) => ({ name: kind, value: sessionOf(plan, kind) }))];
}

function sessionOf(plan: Plan, kind: StageKind): string {
  const trained = plan.stages.flatMap(({ kind: own, model, spec }) =>
    own === kind && spec.train ? [{ model, train: spec.train }] : [],
  );
  const each = (say: (train: TrainSpec) => string): string => {
    const values = new Map<string, Set<string>>();
    for (const { model, train } of trained) {
      const value = say(train);
      values.set(value, (values.get(value) ?? new Set()).add(model));
    }
    if (values.size === 1) return [...values.keys()].join('');
    const total = new Set(trained.map(({ model }) => model)).size;
    return [...values]
      .map(([value, models]) => (models.size === total ? value : `${value} (${[...models].join(', ')})`))
      .join(' or ');
  };
  return [
    each((train) => `at most ${train.steps} steps`),
    each((train) => `batch ${train.batch}`),
    each((train) => `learning rate ${Number(train.optimizer.learningRate.toPrecision(3))}`),
    each((train) => `${train.schedule.kind} schedule, warm-up ${train.schedule.warmupSteps}`),
    each((train) => (train.optimizer.clipNorm === 0 ? 'no clipping' : `clipping at ${train.optimizer.clipNorm}`)),
    each((train) => `weight decay ${train.optimizer.weightDecay}`),
    each((train) => `loss on ${train.lossOn === 'all' ? 'all tokens' : 'the response'}`),
    each((train) => (train.stop ? stopRule(train.stop) : 'no stop rule')),
    ...(trained.some(({ train }) => train.tuning) ? [each((train) => tuned(train.tuning))] : []),
    ...(trained.some(({ train }) => train.frozenWeights)
      ? [each((train) => `frozen weights in ${train.frozenWeights ?? 'fp32'}`)]
      : []),
  ].join('; ');
}

function tuned(tuning: TrainSpec['tuning']): string {
  if (tuning === undefined) return 'all of the model is trained';
  if (tuning.kind !== 'lora')
    return tuning.kind === 'head' ? 'the head alone is trained' : 'the top block alone is trained';
  const { rank, alpha, dropout, targets } = tuning;
  return `LoRA of rank ${rank}, alpha ${alpha}, dropout ${dropout} on ${targets.join(', ')}`;
}

function stopRule(stop: NonNullable<TrainSpec['stop']>): string {
  const share = stop.learnedShare === undefined ? '' : ` and learned share ≥ ${decimal(stop.learnedShare)}`;
  return `stops when every class has exact match ≥ ${decimal(stop.exactMatch)}${share}, looked at every ${stop.everySteps} steps`;
}
