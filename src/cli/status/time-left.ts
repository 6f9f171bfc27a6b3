import { join } from 'node:path';
import { statOf } from '../../artifacts/small-files.ts';
import type { Store } from '../../artifacts/store.ts';
import type { Plan, PlanStage } from '../../experiment/plan.ts';
import { pricePlan } from '../../experiment/price-plan.ts';
import type { StageHeartbeat } from '../../temporal/stage-heartbeat.ts';

const SAMPLE = 100;

/**
 * Estimates what is left. A stage of a model and kind that has finished in this store takes as long again; others take what the plan's price says, times what the
 * finished ones took of theirs; until one has finished, times what those in flight are going to take of theirs. A stage in flight goes by its own pace since it was
 * first seen here. Keep one per command: it remembers.
 */
export class TimeLeft {
  readonly #plan: Plan;
  readonly #store: Store;
  readonly #read = new Set<number>();
  /** What finished stages took, by model and kind, and all together beside what the price said. */
  readonly #alike = new Map<string, { readonly seconds: number; readonly count: number }>();
  readonly #all = { seconds: 0, expected: 0 };
  /** What stages in flight would take from beginning to end at their pace, by number. */
  readonly #paced = new Map<number, number>();
  readonly #firstSeen = new Map<string, { readonly step: number; readonly at: number }>();

  readonly #expected: readonly number[];

  constructor(store: Store, plan: Plan, flopsPerSecond: number) {
    this.#store = store;
    this.#plan = plan;
    const { stages } = pricePlan(plan, { doneKeys: new Set(), flopsPerSecond, slots: 1 });
    // Stop rules fire somewhere between their first check and the step limit.
    this.#expected = stages.map(({ leastSeconds, seconds }) => Math.sqrt(leastSeconds * seconds));
  }

  /** Reads the times of stages that were finished since the last call, a sample of them when there are many. */
  async learn(done: ReadonlySet<number>): Promise<void> {
    const fresh = [...done].filter((number) => !this.#read.has(number));
    for (const number of fresh) this.#read.add(number);
    await Promise.all(
      fresh.slice(-SAMPLE).map(async (number) => {
        const stage = this.#plan.stages[number]!;
        const seconds = await this.#measure(stage);
        if (seconds !== undefined) this.#remember(stage, seconds);
      }),
    );
  }

  secondsLeft(stage: PlanStage, beat: StageHeartbeat | undefined): number {
    const whole = this.#wholeStage(stage);
    if (beat?.step === undefined || !beat.steps) return whole;
    const share = Math.max(0, 1 - beat.step / beat.steps);
    return this.#byPace(stage, beat) ?? whole * share;
  }

  #byPace(stage: PlanStage, beat: StageHeartbeat): number | undefined {
    if (beat.state !== 'running') return undefined; // It stands where an earlier attempt left it.
    const id = `${stage.key} ${beat.attempt}`;
    const first = this.#firstSeen.get(id);
    if (first === undefined) {
      this.#firstSeen.set(id, { step: beat.step!, at: Date.now() });
      return undefined;
    }
    const seconds = (Date.now() - first.at) / 1000;
    const steps = beat.step! - first.step;
    if (steps <= 0 || seconds < 3) return undefined;
    this.#paced.set(stage.number, (beat.steps! * seconds) / steps);
    return ((beat.steps! - beat.step!) * seconds) / steps;
  }

  #wholeStage(stage: PlanStage): number {
    const alike = this.#alike.get(kindOf(stage));
    if (alike !== undefined) return alike.seconds / alike.count;
    return this.#expected[stage.number]! * this.#overPrice();
  }

  /** How much longer than priced stages take here. */
  #overPrice(): number {
    const { seconds, expected } = this.#all;
    if (expected > 0) return seconds / expected;
    const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
    if (this.#paced.size === 0) return 1;
    return sum(this.#paced.values()) / sum([...this.#paced.keys()].map((number) => this.#expected[number]!));
  }

  #remember(stage: PlanStage, seconds: number): void {
    const before = this.#alike.get(kindOf(stage)) ?? { seconds: 0, count: 0 };
    this.#alike.set(kindOf(stage), { seconds: before.seconds + seconds, count: before.count + 1 });
    this.#all.seconds += seconds;
    this.#all.expected += this.#expected[stage.number]!;
  }

  /** From the launch of the attempt that made the result to its end; where it went on from a checkpoint, as if it had taken all steps. */
  async #measure(stage: PlanStage): Promise<number | undefined> {
    const folder = this.#store.stage(stage.key);
    const result = await folder.result();
    if (result === undefined) return undefined;
    const attempt = folder.attempt(result.attempt);
    const writer = attempt.writer(result.writer);
    const [launched, origin, ended] = await Promise.all([
      attempt.launched(),
      writer.origin().catch(() => undefined),
      statOf(join(writer.path, 'outcome.json')),
    ]);
    if (launched === undefined || ended === undefined) return undefined;
    const seconds = (ended.mtimeMs - Date.parse(launched.launchedAt)) / 1000;
    const share = result.steps > 0 ? 1 - (origin?.step ?? 0) / result.steps : 1;
    return seconds > 0 && share > 0 ? seconds / share : undefined;
  }
}

function kindOf({ model, kind }: PlanStage): string {
  return `${model} ${kind}`;
}
