import { EXAMPLE_CLASSES, type ExampleClass } from '../experiment/stage-spec.ts';
import type { Curve } from './analysis.ts';
import type { ContrastAnchors } from './contrast-anchors.ts';
import type { AnchorScores, RunScores } from './run-scores.ts';

/** `nats` (mean log-probability per token) serves the interleaved measures and is not a curve of the report. */
export type RunCurveValue = Curve['value'] | 'nats';

/** One run's means over the anchors of one session. */
export interface RunCurve {
  readonly session: number;
  readonly class: ExampleClass;
  readonly value: RunCurveValue;
  readonly points: readonly { readonly step: number; readonly mean: number }[];
}

export interface LearnedContext {
  readonly anchors: ContrastAnchors;
  readonly learned: Readonly<Record<ExampleClass, ReadonlySet<string>>>;
  /** A larger ROUGE-1 drop is a forgetting event. */
  readonly rougeDrop: number;
}

/** Means of every session with anchors, and, given the contrast, forgetting over the review's anchors. Classes without an example at an anchor have no point there. */
export function curvesOfRun(
  scores: RunScores,
  selected: Readonly<Record<ExampleClass, Int32Array>>,
  context: LearnedContext | null,
): RunCurve[] {
  const curves: RunCurve[] = [];
  const sessions = [...new Set(scores.anchors.map((anchor) => anchor.session))];
  for (const session of sessions) {
    const anchors = scores.anchors.filter((anchor) => anchor.session === session);
    for (const name of EXAMPLE_CLASSES) {
      const items = selected[name];
      const add = (value: RunCurveValue, at: (anchor: AnchorScores, i: number) => number, kept = items): void => {
        const points = anchors.flatMap((anchor) => {
          const mean = meanOver(kept, anchor, at);
          return Number.isNaN(mean) ? [] : [{ step: anchor.step, mean }];
        });
        if (points.length > 0) curves.push({ session, class: name, value, points });
      };
      add('probability', (anchor, i) => Math.exp(anchor.nats[i] as number));
      add('nats', (anchor, i) => anchor.nats[i] as number);
      add('rouge1', (anchor, i) => anchor.rouge1[i] as number);
      add('exact-match', (anchor, i) => anchor.exact[i] as number);
      if (context === null || session !== context.anchors.reviewSession) continue;
      const start = context.anchors.learned;
      const learned = items.filter((i) => context.learned[name].has(scores.examples[i] as string));
      add('forgetting', (anchor, i) => Math.exp(start.nats[i] as number) - Math.exp(anchor.nats[i] as number), learned);
      add(
        'forgetting-binary',
        (anchor, i) => ((start.rouge1[i] as number) - (anchor.rouge1[i] as number) > context.rougeDrop ? 1 : 0),
        learned,
      );
    }
  }
  return curves;
}

function meanOver(items: Int32Array, anchor: AnchorScores, at: (anchor: AnchorScores, i: number) => number): number {
  let sum = 0;
  let count = 0;
  for (const i of items) {
    if (Number.isNaN(anchor.nats[i] as number)) continue;
    sum += at(anchor, i);
    count += 1;
  }
  return count > 0 ? sum / count : Number.NaN;
}
