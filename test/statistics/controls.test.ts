import { describe, expect, it } from 'vitest';
import type { ControlKind } from '../../src/experiment/analysis-plan.ts';
import { judgeControls } from '../../src/statistics/controls.ts';
import { plantedPlan } from '../../src/statistics/planted-tables.ts';
import type { ScaleGroup } from '../../src/statistics/scale-groups.ts';

/** One scale after the other with the contrasts of its runs; a control looks at nothing else of them. */
function outcome(kind: ControlKind, scales: readonly (readonly number[])[], largestChange = 1) {
  const groups = scales.map((values, k): ScaleGroup => {
    const runs = values.map((value) => ({
      contrast: {
        contrasts: { continuous: { smaller: value, 'unsafe-safe': value, 'unsafe-task': value } },
        largestChange,
      },
    }));
    return {
      model: `m${k}`,
      family: 'gpt2',
      parameters: 1,
      scaleParameters: 10 ** k,
      x: k,
      runs: runs as unknown as ScaleGroup['runs'],
    };
  });
  const [judged] = judgeControls({ ...plantedPlan(1), controls: [{ arm: 'c', kind }] }, () => groups);
  return judged;
}

describe('a control', () => {
  it.each<[string, ControlKind, readonly number[]]>([
    ['passed', 'mismatched-review', [0.02, -0.01, 0.03]],
    ['failed', 'mismatched-review', [0.3, 0.31, 0.29]],
    // Its mean lies above the bound of .1, but the runs spread too much to say so.
    ['undecided', 'mismatched-review', [0.02, 0.12, 0.25]],
    ['failed', 'task-review', [0.3, 0.31, 0.29]],
    ['passed', 'unsafe-review', [-0.3, -0.25, -0.28]],
    ['failed', 'unsafe-review', [0.3, 0.25, 0.28]],
    ['undecided', 'unsafe-review', [-0.1, 0.1, 0.02]],
    ['passed', 'label-swap', [-0.3, -0.25, -0.28]],
    ['failed', 'label-swap', [0.3, 0.25, 0.28]],
  ])('%s: %s with contrasts %j', (expected, kind, values) => {
    expect(outcome(kind, [values])?.outcome).toBe(expected);
  });

  it('is judged at the largest scale', () => {
    expect(
      outcome('mismatched-review', [
        [0.4, 0.41, 0.42],
        [0.01, 0, 0.02],
      ]),
    ).toMatchObject({ outcome: 'passed', model: 'm1' });
  });

  it('is undecided with one seed a scale, and not run without runs', () => {
    expect(outcome('unsafe-review', [[-0.3], [-0.4]])?.outcome).toBe('undecided');
    expect(outcome('unsafe-review', [])).toMatchObject({ outcome: 'not-run', model: null, estimate: null });
  });

  it('with learning rate 0 passes only when nothing changed at all, at any scale', () => {
    expect(outcome('noop-review', [[0, 0]], 0)?.outcome).toBe('passed');
    expect(outcome('noop-review', [[0, 0]], 1e-15)?.outcome).toBe('failed');
  });
});
