import { CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/activities.ts';
import type { ScheduledStage } from '../activities/plan-page.ts';
import type { SettledStage } from '../activities/stage-end.ts';
import { AWAIT_ACTIVITY } from './activity-options.ts';

const { awaitStages } = proxyActivities<Activities>(AWAIT_ACTIVITY);

/** Keeps one activity waiting for exactly the stages that other workflows own: asked anew when one is added, because each question costs events. */
export class StagesElsewhere {
  readonly #sweepId: string;
  readonly #onSettled: (settled: readonly SettledStage[]) => void;
  readonly #onBroken: (error: unknown) => void;
  #asked: { readonly scope: CancellationScope; readonly numbers: ReadonlySet<number> } | undefined;

  constructor(
    sweepId: string,
    onSettled: (settled: readonly SettledStage[]) => void,
    onBroken: (error: unknown) => void,
  ) {
    this.#sweepId = sweepId;
    this.#onSettled = onSettled;
    this.#onBroken = onBroken;
  }

  await(stages: readonly ScheduledStage[]): void {
    if (stages.every(({ number }) => this.#asked?.numbers.has(number))) return;
    this.#asked?.scope.cancel();
    const asked = { scope: new CancellationScope(), numbers: new Set(stages.map((stage) => stage.number)) };
    this.#asked = asked;
    const question = {
      sweepId: this.#sweepId,
      stages: stages.map(({ number, kind, key }) => ({ number, kind, key })),
    };
    const summary = `until ${stages.length === 1 ? stages[0]?.label.slice(0, 120) : `one of ${stages.length} stages`} of other workflows ends`;
    asked.scope
      .run(() => awaitStages.executeWithOptions({ summary }, [question]))
      .then(
        (settled) => {
          if (this.#asked === asked) this.#asked = undefined;
          this.#onSettled(settled);
        },
        (error: unknown) => {
          if (this.#asked === asked) this.#asked = undefined;
          if (!isCancellation(error)) this.#onBroken(error);
        },
      );
  }
}
