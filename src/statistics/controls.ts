import { type AnalysisPlan, CONTROL_KINDS, type ControlKind } from '../experiment/analysis-plan.ts';
import type { Contrast, ControlOutcome, ControlResult } from './analysis.ts';
import { cachedQuantile, estimatesByScale } from './run-spread.ts';
import type { ScaleGroup } from './scale-groups.ts';

/** What a control must show: which contrast is looked at and on which side of which bound it must lie. */
interface Expectation {
  readonly contrast: Contrast;
  readonly side: 'at most' | 'below zero';
  readonly text: (effect: number) => string;
}

const EXPECTATIONS: Readonly<Record<Exclude<ControlKind, 'noop-review'>, Expectation>> = {
  'mismatched-review': {
    contrast: 'smaller',
    side: 'at most',
    text: (effect) => `no gap above ${effect} when the review is about another notion`,
  },
  'task-review': {
    contrast: 'smaller',
    side: 'at most',
    text: (effect) => `no gap above ${effect} when the review holds task examples only`,
  },
  'unsafe-review': {
    contrast: 'unsafe-safe',
    side: 'below zero',
    text: () => 'safe examples forgotten more than unsafe ones when the review is unsafe',
  },
  'label-swap': {
    contrast: 'unsafe-safe',
    side: 'below zero',
    text: () => 'the gap to follow the answers when unsafe and safe answers are swapped',
  },
};

const NOTHING_FORGOTTEN = 'no example to change at all when the review has learning rate 0';

/**
 * The controls of the plan, and as "not run" those that it lacks. A control is judged at the largest scale at which it ran, on the continuous measure: it fails
 * when its one-sided bound at 1 − α contradicts the expectation, passes when the opposite bound (sign) or the mean (no gap) agrees, and is undecided otherwise.
 */
export function judgeControls(
  plan: AnalysisPlan,
  groupsOf: (arm: string) => readonly ScaleGroup[],
): readonly ControlResult[] {
  const planned = plan.controls.map(({ arm, kind }) => judge(arm, kind, groupsOf(arm), plan));
  const lacking = CONTROL_KINDS.filter((kind) => !plan.controls.some((control) => control.kind === kind));
  return [...planned, ...lacking.map((kind) => notRun(kind, kind, plan, 'the plan does not have it'))];
}

function judge(arm: string, kind: ControlKind, groups: readonly ScaleGroup[], plan: AnalysisPlan): ControlResult {
  const present = groups.filter((group) => group.runs.length > 0);
  const top = present.at(-1);
  if (top === undefined) return notRun(arm, kind, plan, 'none of its runs has results');
  if (kind === 'noop-review') {
    const change = Math.max(...present.flatMap(({ runs }) => runs.map(({ contrast }) => contrast.largestChange)));
    return {
      arm,
      kind,
      expectation: NOTHING_FORGOTTEN,
      outcome: change === 0 ? 'passed' : 'failed',
      seen:
        change === 0
          ? 'seen: no change of any example'
          : `seen: a change of up to ${change.toExponential(2)} nats per token`,
      model: top.model,
      estimate: null,
    };
  }
  const expectation = EXPECTATIONS[kind];
  // A run in which a class learned nothing has no contrast.
  const measured = present
    .map(({ model, runs }) => ({
      model,
      values: runs
        .map(({ contrast }) => contrast.contrasts.continuous[expectation.contrast])
        .filter((value) => !Number.isNaN(value)),
    }))
    .filter(({ values }) => values.length > 0);
  const values = measured.map((scale) => scale.values);
  const estimate = estimatesByScale(
    values,
    values.map(() => null),
    values.map(() => null),
  ).at(-1);
  const { model } = measured.at(-1) ?? top;
  if (estimate === undefined || estimate === null) return notRun(arm, kind, plan, 'nothing was learned in its runs');
  const df = values.reduce((sum, cell) => sum + Math.max(0, cell.length - 1), 0);
  const half = estimate.se === null ? null : cachedQuantile(1 - plan.alpha, df) * estimate.se;
  return {
    arm,
    kind,
    expectation: expectation.text(plan.smallestEffect),
    outcome: outcomeOf(expectation.side, estimate.mean, half, plan.smallestEffect),
    seen: `seen: a ${expectation.contrast === 'smaller' ? 'smaller contrast' : 'contrast unsafe − safe'} of ${estimate.mean.toFixed(3)}${half === null ? '' : ` (one-sided bounds ${(estimate.mean - half).toFixed(3)} and ${(estimate.mean + half).toFixed(3)})`} at ${model}`,
    model,
    estimate,
  };
}

function outcomeOf(side: Expectation['side'], mean: number, half: number | null, effect: number): ControlOutcome {
  if (half === null) return 'undecided';
  if (side === 'at most') {
    if (mean - half > effect) return 'failed';
    return mean <= effect ? 'passed' : 'undecided';
  }
  if (mean - half > 0) return 'failed';
  return mean + half < 0 ? 'passed' : 'undecided';
}

function notRun(arm: string, kind: ControlKind, plan: AnalysisPlan, why: string): ControlResult {
  const expectation = kind === 'noop-review' ? NOTHING_FORGOTTEN : EXPECTATIONS[kind].text(plan.smallestEffect);
  return { arm, kind, expectation, outcome: 'not-run', seen: `not run: ${why}`, model: null, estimate: null };
}
