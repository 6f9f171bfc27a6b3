import type { Curve, CurvePoint } from './analysis.ts';
import type { RunMeasures } from './run-measures.ts';
import { byCodeUnit } from './run-scores.ts';
import { meanWithInterval } from './run-spread.ts';

/** Mean curves over the runs of each arm and scale, in the order arm, scale, session, class. Runs that stopped earlier are absent from later points. */
export function meanCurves(runs: readonly RunMeasures[]): Curve[] {
  const curves = new Map<string, { base: Omit<Curve, 'points'>; values: Map<number, number[]> }>();
  const ordered = [...runs].sort(
    (a, b) =>
      byCodeUnit(a.run.arm, b.run.arm) ||
      a.run.scaleParameters - b.run.scaleParameters ||
      byCodeUnit(a.run.model, b.run.model) ||
      a.run.seed - b.run.seed,
  );
  for (const { run, curves: own } of ordered) {
    for (const { session, class: name, value, points } of own) {
      if (value === 'nats') continue;
      const key = [run.arm, run.model, session, name, value].join('\n');
      let curve = curves.get(key);
      if (curve === undefined) {
        const kind = run.sessions.find((candidate) => candidate.index === session)?.kind ?? 'finetune';
        const x = Math.log10(run.scaleParameters);
        curve = {
          base: { arm: run.arm, model: run.model, x, class: name, session, sessionKind: kind, value },
          values: new Map(),
        };
        curves.set(key, curve);
      }
      for (const { step, mean } of points) {
        const values = curve.values.get(step);
        if (values === undefined) curve.values.set(step, [mean]);
        else values.push(mean);
      }
    }
  }
  return [...curves.values()].map(({ base, values }) => ({
    ...base,
    points: [...values.keys()]
      .sort((a, b) => a - b)
      .map((step): CurvePoint => ({ step, ...meanWithInterval(values.get(step) as number[]) })),
  }));
}
