import { sessionsOfArm } from './arm.ts';
import { canonicalJson, digestOf } from './canonical-json.ts';
import type { ExamplePart } from './example-part.ts';
import { countParameters } from './model-size.ts';
import { NUMERICS_VERSION } from './numerics-version.ts';
import type { Plan, PlanRun, PlanStage } from './plan.ts';
import { recipeOfData } from './recipe-of-data.ts';
import { stageKey } from './stage-key.ts';
import type { DataReference, ScoreSpec, StageKind, StageSpec, StageStart, TrainSpec } from './stage-spec.ts';
import { SEED_LIMIT, type Session, type Sweep, type SweepModel } from './sweep.ts';

/**
 * The stage graph of a sweep with its keys, and the plan's hash. Runs that begin alike share those stages: one finetune serves every review.
 * A run's seed fixes initial weights, drawn data and their order, so equal seeds meet the same data at every scale.
 */
export function freezePlan(sweep: Sweep): { plan: Plan; planHash: string } {
  const freezer = new Freezer(sweep);
  const arms = sweep.arms.map((arm) => ({ arm, chain: sessionsOfArm(arm, sweep) }));
  const runs: PlanRun[] = [];
  for (const model of sweep.models) {
    for (const { arm, chain } of arms) {
      for (const seed of sweep.seeds) {
        const stages: number[] = [];
        for (const [index, { name, kind, session }] of chain.entries()) {
          stages.push(freezer.stage({ model, seed, name, kind, session, index, parent: stages.at(-1) }));
        }
        runs.push({ id: `${model.name}.${arm}.s${seed}`, model: model.name, arm, seed, stages });
      }
    }
  }
  const plan: Plan = {
    format: 'lethe-plan/1',
    name: sweep.name,
    models: sweep.models.map(({ name, spec, weights }) => {
      const { parameters, scaleParameters } = countParameters(spec);
      return { name, spec, ...(weights && { weights: weights.digest }), parameters, scaleParameters };
    }),
    stages: freezer.stages,
    runs,
    analysis: sweep.analysis,
  };
  return { plan, planHash: hashPlan(plan) };
}

/** sha256 of the plan's canonical JSON in which each stage stands by its key, without the spec that the key already covers. */
export function hashPlan(plan: Plan): string {
  const stages = plan.stages.map(({ number, key, kind, model, seed, label, parents }) => ({
    number,
    key,
    kind,
    model,
    seed,
    label,
    parents,
  }));
  return digestOf({ ...plan, stages });
}

interface StageRequest {
  readonly model: SweepModel;
  readonly seed: number;
  readonly name: string;
  readonly kind: StageKind;
  readonly session: Session;
  /** Place in the run's chain of sessions. */
  readonly index: number;
  readonly parent: number | undefined;
}

/**
 * Makes each distinct stage once. The parts of a spec that many stages share (model, training, scoring) are made and rendered once: ten
 * thousand runs have few of them, and rendering is what planning costs.
 */
class Freezer {
  readonly stages: PlanStage[] = [];
  readonly #sweep: Sweep;
  readonly #numberOfKey = new Map<string, number>();
  readonly #made = new Map<string, number>();
  readonly #fragments = new WeakMap<object, string>();
  readonly #shared = new Map<string, object>();
  readonly #sessionNumbers = new Map<Session, number>();

  constructor(sweep: Sweep) {
    this.#sweep = sweep;
    for (const { spec } of sweep.models) this.#fragments.set(spec, canonicalJson(spec));
  }

  /** The number of the stage, made now or before. */
  stage(request: StageRequest): number {
    const { model, seed, name, kind, session, parent } = request;
    // A parent's number stands for model and seed too.
    const identity = `${this.#numberOf(session)} ${parent ?? `${model.name} ${seed}`}`;
    const made = this.#made.get(identity);
    if (made !== undefined) return made;
    const spec = this.#spec(request);
    const key = stageKey(spec, this.#fragments);
    let number = this.#numberOfKey.get(key);
    if (number === undefined) {
      number = this.stages.length;
      const label = `${model.name}.${name}.s${seed}`;
      const parents = parent === undefined ? [] : [parent];
      this.stages.push({ number, key, kind, model: model.name, seed, label, parents, spec });
      this.#numberOfKey.set(key, number);
    }
    this.#made.set(identity, number);
    return number;
  }

  #spec({ model, seed, kind, session, index, parent }: StageRequest): StageSpec {
    const start = parent === undefined ? firstStart(model, seed) : this.#startAfter(parent);
    const tokenizer = model.weights?.tokenizer;
    const score = this.#score(session, seed, tokenizer);
    return {
      format: 'lethe-stage/1',
      kind,
      backend: this.#sweep.backend,
      precision: this.#sweep.precision,
      numerics: NUMERICS_VERSION,
      model: model.spec,
      start,
      seed: index * SEED_LIMIT + seed,
      train: this.#train(session, seed, tokenizer, learningRateOf(session, model)),
      ...(score && { score }),
    };
  }

  #startAfter(parent: number): StageStart {
    return { kind: 'stage', key: this.stages[parent]!.key };
  }

  #train(session: Session, seed: number, tokenizer: string | undefined, learningRate: number): TrainSpec {
    return this.#share(`train ${this.#numberOf(session)} ${seed} ${tokenizer} ${learningRate}`, () => ({
      data: this.#reference(session.train, seed, tokenizer),
      lossOn: session.lossOn,
      batch: session.batch,
      steps: session.steps,
      optimizer: { ...session.optimizer, learningRate },
      schedule: session.schedule,
      ...(session.stop && { stop: session.stop }),
      ...(session.tuning && { tuning: session.tuning }),
      ...(session.frozenWeights && { frozenWeights: session.frozenWeights }),
    }));
  }

  #score(session: Session, seed: number, tokenizer: string | undefined): ScoreSpec | undefined {
    if (session.score.length === 0) return undefined;
    return this.#share(`score ${this.#numberOf(session)} ${seed} ${tokenizer}`, () => ({
      data: this.#reference(session.score, seed, tokenizer),
      atSteps: session.anchors,
      maxNewTokens: session.maxNewTokens,
    }));
  }

  #reference(parts: readonly ExamplePart[], seed: number, tokenizer: string | undefined): DataReference {
    const recipe = recipeOfData(this.#sweep.data, { parts, seed, tokenizer });
    const text = canonicalJson(recipe);
    return this.#share(text, () => ({ digest: digestOf(recipe), recipe }));
  }

  #share<Part extends object>(identity: string, make: () => Part): Part {
    const known = this.#shared.get(identity);
    if (known) return known as Part;
    const part = make();
    this.#shared.set(identity, part);
    this.#fragments.set(part, canonicalJson(part, this.#fragments));
    return part;
  }

  /** Sessions are told apart by identity: arms that share one hold the same object. */
  #numberOf(session: Session): number {
    const number = this.#sessionNumbers.get(session) ?? this.#sessionNumbers.size;
    this.#sessionNumbers.set(session, number);
    return number;
  }
}

/** Of a run's first stage: the weights that the model names, or random ones. */
function firstStart({ weights }: SweepModel, seed: number): StageStart {
  return weights ? { kind: 'weights', digest: weights.digest } : { kind: 'random', seed };
}

function learningRateOf(session: Session, model: SweepModel): number {
  const rate = (model.learningRate ?? session.optimizer.learningRate) * session.learningRateFactor;
  // Twelve digits: the noise of a product (.003 × .3333) must not decide a key.
  return Number(rate.toPrecision(12));
}
