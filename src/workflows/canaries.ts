import type { ScheduledStage } from '../activities/plan-page.ts';
import type { SweepSchedule } from '../experiment/sweep-control.ts';

/**
 * The first stage of each model runs alone, to its first checkpoint or to its end, so that a mistake costs one job and not hundreds. A model that has a
 * finished stage has shown that it works.
 */
export class Canaries {
  readonly #mode: SweepSchedule['canary'];
  readonly #passed: Set<string>;
  /** The stage that runs alone, by model. */
  readonly #alone = new Map<string, number>();

  constructor(mode: SweepSchedule['canary'], passedModels: readonly string[]) {
    this.#mode = mode;
    this.#passed = new Set(passedModels);
  }

  begin(done: readonly ScheduledStage[]): void {
    for (const { model } of done) this.#passed.add(model);
  }

  admits({ model }: ScheduledStage): boolean {
    return this.#mode === 'off' || this.#passed.has(model) || !this.#alone.has(model);
  }

  /** True when the stage is a canary that is to announce its first checkpoint. */
  started({ model, number }: ScheduledStage): boolean {
    if (this.#mode === 'off' || this.#passed.has(model)) return false;
    this.#alone.set(model, number);
    return this.#mode === 'checkpoint';
  }

  passed(number: number): void {
    for (const [model, alone] of this.#alone) if (alone === number) this.#pass(model);
  }

  ended({ model, number }: ScheduledStage, succeeded: boolean): void {
    if (succeeded) this.#pass(model);
    else if (this.#alone.get(model) === number) this.#alone.delete(model);
  }

  get passedModels(): string[] {
    return [...this.#passed].sort();
  }

  #pass(model: string): void {
    this.#passed.add(model);
    this.#alone.delete(model);
  }
}
