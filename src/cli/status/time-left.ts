import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '../../artifacts/store.ts';
import type { Plan, PlanStage } from '../../experiment/plan.ts';
import type { StageHeartbeat } from '../../temporal/stage-heartbeat.ts';
import { stageWork } from './sweep-status.ts';

/** How long the job that finished a stage took. */
interface Measured {
  readonly seconds: number;
  readonly work: number;
}

const SAMPLE = 100;

/**
 * Estimates what is left from what was measured in this very store: a stage of a model and kind that has finished before takes as long again; others take the
 * mean time per unit of work. A stage in flight goes by its own pace since it was first seen here. Keep one per command: it remembers.
 */
export class TimeLeft {
  readonly #plan: Plan;
  readonly #store: Store;
  readonly #measured = new Map<number, Measured | undefined>();
  readonly #firstSeen = new Map<string, { readonly step: number; readonly at: number }>();

  constructor(store: Store, plan: Plan) {
    this.#store = store;
    this.#plan = plan;
  }

  /** Reads the times of stages that were finished since the last call, a sample of them when there are many. */
  async learn(done: ReadonlySet<number>): Promise<void> {
    const fresh = [...done].filter((number) => !this.#measured.has(number)).slice(-SAMPLE);
    await Promise.all(
      fresh.map(async (number) => this.#measured.set(number, await this.#measure(this.#plan.stages[number]!))),
    );
  }

  secondsLeft(stage: PlanStage, beat: StageHeartbeat | undefined): number | undefined {
    const whole = this.#wholeStage(stage);
    if (beat?.step === undefined || !beat.steps) return whole;
    const share = Math.max(0, 1 - beat.step / beat.steps);
    return this.#byPace(stage, beat) ?? (whole === undefined ? undefined : whole * share);
  }

  #byPace(stage: PlanStage, beat: StageHeartbeat): number | undefined {
    const id = `${stage.key} ${beat.attempt}`;
    const first = this.#firstSeen.get(id);
    if (first === undefined) {
      this.#firstSeen.set(id, { step: beat.step!, at: Date.now() });
      return undefined;
    }
    const seconds = (Date.now() - first.at) / 1000;
    const steps = beat.step! - first.step;
    return steps > 0 && seconds >= 3 ? ((beat.steps! - beat.step!) * seconds) / steps : undefined;
  }

  #wholeStage(stage: PlanStage): number | undefined {
    const known = [...this.#measured]
      .map(([number, measured]) => ({ of: this.#plan.stages[number]!, measured }))
      .filter((each): each is { of: PlanStage; measured: Measured } => each.measured !== undefined);
    const alike = known.filter(({ of }) => of.model === stage.model && of.kind === stage.kind);
    if (alike.length > 0) return alike.reduce((sum, { measured }) => sum + measured.seconds, 0) / alike.length;
    const work = known.reduce((sum, { measured }) => sum + measured.work, 0);
    const seconds = known.reduce((sum, { measured }) => sum + measured.seconds, 0);
    return work === 0 ? undefined : (seconds / work) * stageWork(this.#plan, stage);
  }

  /** From the launch of the attempt that made the result to its end. */
  async #measure(stage: PlanStage): Promise<Measured | undefined> {
    const folder = this.#store.stage(stage.key);
    const result = await folder.result();
    if (result === undefined) return undefined;
    const attempt = folder.attempt(result.attempt);
    const [launched, ended] = await Promise.all([
      attempt.launched(),
      stat(join(attempt.writer(result.writer).path, 'outcome.json')).catch(() => undefined),
    ]);
    if (launched === undefined || ended === undefined) return undefined;
    const seconds = (ended.mtimeMs - Date.parse(launched.launchedAt)) / 1000;
    return seconds > 0 ? { seconds, work: stageWork(this.#plan, stage) } : undefined;
  }
}
