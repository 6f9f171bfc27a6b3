import { describe, expect, it, vi } from 'vitest';
import { calibrate } from '../../src/statistics/calibrate.ts';
import { PhiloxStream } from '../../src/statistics/philox.ts';
import { PLANTED_DEFAULTS } from '../../src/statistics/planted-tables.ts';
import { byCodeUnit } from '../../src/statistics/run-scores.ts';
import type { RunRow, ScoreRow } from '../../src/statistics/score-row.ts';
import { statisticsDigest } from '../../src/statistics/statistics-digest.ts';
import { analysePlanted } from './planted-sweep.ts';

// Whole sweeps are analysed, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const CALIBRATION = calibrate({
  x: Array.from({ length: PLANTED_DEFAULTS.scales }, (_, k) => 4.5 + (2.5 * k) / (PLANTED_DEFAULTS.scales - 1)),
  seeds: PLANTED_DEFAULTS.seeds,
  sigma: 0.04,
  tau: 0,
  smallestEffect: 0.1,
  alpha: 0.05,
  seed: 1,
  simulationDraws: 20_000,
});

describe('planted sweeps come out as what they are', () => {
  it('a hinge with a calibration record is SHARP', () => {
    const { verdict, tests, controls } = analysePlanted('hinge', { calibration: CALIBRATION });
    expect(verdict).toMatchObject({ raw: 'SHARP', verdict: 'SHARP', caps: [] });
    expect(controls.map(({ outcome }) => outcome)).toEqual(new Array(5).fill('passed'));
    expect(tests.continuous.onset?.onsetX).toBeGreaterThan(5.25);
    expect(verdict.sentence).toMatch(/emergent/);
  });

  it('a hinge without a record is capped to GRADUAL and the cap is named', () => {
    const { verdict } = analysePlanted('hinge');
    expect(verdict).toMatchObject({ raw: 'SHARP', verdict: 'GRADUAL' });
    expect(verdict.caps.map(({ rule, from, to }) => [rule, from, to])).toEqual([
      ['calibration-record', 'SHARP', 'GRADUAL'],
    ]);
  });

  it('a line is GRADUAL', () => {
    const { verdict, tests } = analysePlanted('line', { calibration: CALIBRATION });
    expect(verdict).toMatchObject({ raw: 'GRADUAL', verdict: 'GRADUAL', caps: [] });
    expect(tests.continuous.trend?.p).toBeLessThan(0.001);
  });

  it('no gap is NOT SUPPORTED', () => {
    const { verdict } = analysePlanted('no-gap', { calibration: CALIBRATION });
    expect(verdict.verdict).toBe('NOT SUPPORTED');
    expect(verdict.reasons.join(' ')).toMatch(/No gap/);
    expect(verdict.sentence).toMatch(/does not arise with scale here: there is no gap at the largest scale/);
  });

  it('a gap at every scale is NOT SUPPORTED', () => {
    const { verdict } = analysePlanted('gap-everywhere', { calibration: CALIBRATION });
    expect(verdict.verdict).toBe('NOT SUPPORTED');
    expect(verdict.reasons.join(' ')).toMatch(/A gap at every scale/);
    expect(verdict.sentence).toMatch(/does not arise with scale here: the gap is there from the smallest scale on/);
  });

  it('small models that did not learn are UNLEARNED, with model and class named', () => {
    const { verdict, arms } = analysePlanted('unlearned', { calibration: CALIBRATION });
    expect(verdict.verdict).toBe('UNLEARNED');
    expect(verdict.reasons).toHaveLength(2);
    expect(verdict.reasons.join(' ')).toMatch(/p1 learned 50\.0 % of the unsafe/);
    const smallest = arms.find(({ role }) => role === 'primary')?.scales[0]?.classes[0];
    expect(smallest).toMatchObject({ class: 'unsafe', learnedShare: 0.5 });
    // The paper's rate mixes learning into forgetting: half of the unsafe items cannot be forgotten.
    const { rate, shareLearned, rateLearned, rateNotLearned } = smallest?.decomposition ?? {};
    expect(rate).toBeCloseTo(
      (shareLearned ?? 0) * (rateLearned ?? 0) + (1 - (shareLearned ?? 0)) * (rateNotLearned ?? 0),
      12,
    );
    expect(rateLearned ?? 0).toBeGreaterThan(1.8 * (rate ?? 1));
  });

  it('no word below SHARP speaks of emergence', () => {
    for (const planted of ['hinge', 'line', 'no-gap', 'gap-everywhere', 'unlearned'] as const) {
      expect(JSON.stringify(analysePlanted(planted).verdict)).not.toMatch(/emerg/i);
    }
  });
});

describe('permuted labels', () => {
  /** Class labels permuted over the examples of a run: alike in all runs, or anew for each seed. */
  const permuteLabels = (permutation: number, bySeed: boolean) => (rows: readonly ScoreRow[], run: RunRow) => {
    if (run.arm !== 'forgetting') return [];
    const classes = new Map(rows.map((row) => [row.example, row.class]));
    const examples = [...classes.keys()].sort(byCodeUnit);
    const labels = examples.map((example) => classes.get(example) as ScoreRow['class']);
    const random = new PhiloxStream({ low: permutation, high: bySeed ? run.seed : 0 }, 'labels');
    for (let i = labels.length - 1; i > 0; i -= 1) {
      const j = random.below(i + 1);
      [labels[i], labels[j]] = [labels[j] as ScoreRow['class'], labels[i] as ScoreRow['class']];
    }
    const labelOf = new Map(examples.map((example, i) => [example, labels[i] as ScoreRow['class']]));
    return rows.map((row) => ({ ...row, class: labelOf.get(row.example) as ScoreRow['class'] }));
  };
  const permutations = [1, 2, 3, 4, 5].flatMap((n) => [[n, true] as const, [n, false] as const]);

  it.each(permutations)(
    'of a planted hinge are never supported (permutation %i, by seed: %s)',
    (permutation, bySeed) => {
      const { verdict } = analysePlanted('hinge', {
        calibration: CALIBRATION,
        rows: permuteLabels(permutation, bySeed),
        // Without controls, so that the table itself must refuse and not a failed control before it.
        input: (input) => ({ ...input, plan: { ...input.plan, controls: [] } }),
      });
      expect(['NOT SUPPORTED', 'INCONCLUSIVE']).toContain(verdict.raw);
      expect(['NOT SUPPORTED', 'INCONCLUSIVE']).toContain(verdict.verdict);
    },
  );
});

describe('statisticsDigest', () => {
  it('is equal under any order of rows and of runs', () => {
    const digest = statisticsDigest(analysePlanted('line'));
    const backwards = analysePlanted('line', {
      rows: (rows) => [...rows].reverse(),
      input: (input) => ({ ...input, runs: [...input.runs].reverse() }),
    });
    expect(statisticsDigest(backwards)).toBe(digest);
  });

  it('differs when one score differs', () => {
    const digest = statisticsDigest(analysePlanted('line'));
    const touched = analysePlanted('line', {
      rows: (rows, { run }) =>
        run !== 'p3.forgetting.s2'
          ? rows
          : rows.map((row, i) => (i === rows.length - 1 ? { ...row, sumLogProb: row.sumLogProb - 1e-9 } : row)),
    });
    expect(statisticsDigest(touched)).not.toBe(digest);
  });
});

describe('missing runs', () => {
  it('are listed and do not change the word while at most a tenth is missing', () => {
    const { verdict, missing, plannedRuns } = analysePlanted('hinge', {
      calibration: CALIBRATION,
      rows: (rows, { run }) => (run === 'p4.forgetting.s3' ? [] : rows),
    });
    expect(missing).toEqual([{ run: 'p4.forgetting.s3', arm: 'forgetting', why: 'it has no rows in the tables' }]);
    expect(plannedRuns).toBe(180);
    expect(verdict.verdict).toBe('SHARP');
    expect(verdict.reasons.at(-1)).toBe('1 of 180 runs are missing.');
  });

  it('block the verdict when more than a tenth is missing', () => {
    const { verdict } = analysePlanted('hinge', {
      calibration: CALIBRATION,
      rows: (rows, { arm }) => (arm === 'task-review' ? [] : rows),
    });
    expect(verdict.raw).toBe('SHARP');
    expect(verdict.verdict).toBe('INCONCLUSIVE');
    expect(verdict.caps.map(({ rule }) => rule)).toEqual(['control-not-run', 'missing-runs']);
  });

  it('without rows at the review anchor say why', () => {
    const { missing } = analysePlanted('line', {
      rows: (rows, { run }) => (run === 'p1.forgetting.s1' ? rows.filter(({ session }) => session === 1) : rows),
    });
    expect(missing).toEqual([
      { run: 'p1.forgetting.s1', arm: 'forgetting', why: 'its review session 2 has no scores after step 0' },
    ]);
  });
});

describe('controls', () => {
  it('that the plan lacks are not run and cap SHARP', () => {
    const { verdict, controls } = analysePlanted('hinge', {
      calibration: CALIBRATION,
      input: (input) => ({ ...input, plan: { ...input.plan, controls: input.plan.controls.slice(0, 1) } }),
    });
    expect(controls.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'unsafe-review passed',
      'task-review not-run',
      'mismatched-review not-run',
      'noop-review not-run',
      'label-swap not-run',
    ]);
    expect(verdict).toMatchObject({ raw: 'SHARP', verdict: 'GRADUAL' });
    expect(verdict.caps.map(({ rule }) => rule)).toEqual(new Array(4).fill('control-not-run'));
  });

  it('that ran and failed make the verdict INVALID', () => {
    const { verdict, controls } = analysePlanted('hinge', {
      calibration: CALIBRATION,
      input: (input) => ({
        ...input,
        // The primary arm itself in the place of the mismatched review: a gap where none may be.
        plan: { ...input.plan, controls: [{ arm: 'forgetting', kind: 'mismatched-review' }] },
      }),
    });
    expect(controls[0]).toMatchObject({ outcome: 'failed', model: 'p6' });
    expect(verdict).toMatchObject({ raw: 'INVALID', verdict: 'INVALID' });
  });

  it('a no-op review fails at the slightest change', () => {
    const { controls } = analysePlanted('hinge', {
      rows: (rows, { run }) =>
        run !== 'p2.noop-review.s1'
          ? rows
          : rows.map((row) => (row.session === 2 ? { ...row, sumLogProb: row.sumLogProb - 1e-12 } : row)),
    });
    expect(controls.find(({ kind }) => kind === 'noop-review')?.outcome).toBe('failed');
  });

  it('a label swap whose gap stays with the prompts fails', () => {
    const { controls } = analysePlanted('hinge', {
      input: (input) => ({ ...input, plan: { ...input.plan, controls: [{ arm: 'forgetting', kind: 'label-swap' }] } }),
    });
    expect(controls[0]?.outcome).toBe('failed');
  });
});

describe('size of a sweep', () => {
  it('with one seed a scale is INCONCLUSIVE because nothing can be tested', () => {
    const { verdict } = analysePlanted('hinge', { options: { seeds: 1 } });
    expect(verdict.verdict).toBe('INCONCLUSIVE');
    expect(verdict.reasons.join(' ')).toMatch(/untestable/);
  });

  it('with three scales is at most GRADUAL', () => {
    const { verdict, tests } = analysePlanted('hinge', { options: { scales: 3 } });
    expect(tests.continuous.onset).toBeNull();
    expect(verdict.raw).toBe('GRADUAL');
    expect(verdict.reasons.join(' ')).toMatch(/cannot be tested with 3 scales/);
  });

  it.each([1, 2])('with %i scales says nothing about scale', (scales) => {
    const { verdict } = analysePlanted('gap-everywhere', { options: { scales } });
    expect(verdict.raw).toBe('INCONCLUSIVE');
    expect(verdict.reasons.join(' ')).toMatch(/can show a gap, but not how it depends on scale/);
  });
});
