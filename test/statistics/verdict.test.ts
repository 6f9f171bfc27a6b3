import { describe, expect, it } from 'vitest';
import type { CalibrationSummary, ControlResult } from '../../src/statistics/analysis.ts';
import type { CalibrationRecord } from '../../src/statistics/calibration-record.ts';
import { summarizeCalibration } from '../../src/statistics/calibration-summary.ts';
import { plantedPlan } from '../../src/statistics/planted-tables.ts';
import { decideVerdict, type VerdictInput } from '../../src/statistics/verdict.ts';

type Tests = VerdictInput['tests']['continuous'];

/** What the tests of one measure found. */
function found(present: boolean, absent: boolean, onset: boolean, more: Partial<Tests> = {}): Tests {
  return {
    cells: [],
    sigma: 0.05,
    df: 8,
    unequalVariances: false,
    presence: { model: 'large', lowerBound: present ? 0.4 : 0.05, p: present ? 0.001 : 0.3, holds: present },
    absence: { model: 'small', interval: absent ? [-0.03, 0.04] : [0.05, 0.2], p: absent ? 0.01 : 0.6, holds: absent },
    noGapAtTop: false,
    gapAtBottom: false,
    onset: {
      statistic: 3,
      onsetX: 5,
      p: onset ? 0.001 : 0.4,
      critical: 2,
      draws: 20_000,
      holds: onset,
      tippingTau: onset ? 0.05 : null,
    },
    lackOfFitTau: 0,
    ...more,
  };
}

const RECORD: CalibrationRecord = {
  format: 'lethe-calibration/1',
  scales: 5,
  seeds: 3,
  x: [4, 4.5, 5, 5.5, 6],
  sigma: 0.05,
  tau: 0,
  smallestEffect: 0.1,
  alpha: 0.05,
  replications: 1500,
  simulationDraws: 20_000,
  seed: 1,
  truths: [],
  falseSharp: 0.05,
  alternativeEffect: 0.6,
  power: 0.95,
};
const APPLIES: CalibrationSummary = { record: RECORD, applies: true, reason: 'it fits' };
const PASSED: ControlResult = {
  arm: 'noop-review',
  kind: 'noop-review',
  expectation: 'nothing',
  outcome: 'passed',
  seen: 'seen: nothing',
  model: 'large',
  estimate: null,
};

function decide(continuous: Tests, binary: Tests, more: Partial<VerdictInput> = {}) {
  return decideVerdict({
    plan: plantedPlan(1),
    tests: { continuous, binary },
    minimumDetectable: 0.12,
    signs: { continuous: 1, nats: 1, relative: 1 },
    learned: [{ model: 'small', class: 'unsafe', share: 0.95 }],
    controls: [PASSED],
    calibration: APPLIES,
    families: ['gpt2'],
    plannedRuns: 15,
    missingRuns: 0,
    scales: 5,
    seeds: 3,
    spanDecades: 2,
    ...more,
  });
}

const YES = found(true, true, true);
const NO_ONSET = found(true, true, false);

describe('the decision table, row by row', () => {
  it.each([
    ['SHARP', YES, YES],
    ['GRADUAL', NO_ONSET, NO_ONSET],
    ['GRADUAL', YES, NO_ONSET],
    ['METRIC-DEPENDENT', NO_ONSET, YES],
    ['METRIC-DEPENDENT', found(false, true, false), YES],
    ['NOT SUPPORTED', found(false, true, false, { noGapAtTop: true }), NO_ONSET],
    ['NOT SUPPORTED', found(true, false, false, { gapAtBottom: true }), found(true, false, false)],
    ['INCONCLUSIVE', NO_ONSET, found(false, true, false)],
    ['INCONCLUSIVE', found(true, false, false), found(true, false, false)],
    ['INCONCLUSIVE', found(false, false, true), found(false, true, true)],
  ])('%s', (word, continuous, binary) => {
    expect(decide(continuous, binary)).toMatchObject({ raw: word, verdict: word, caps: [] });
  });

  it('asks first whether everything was learned, then whether a control failed, then for degrees of freedom', () => {
    const unlearned = { learned: [{ model: 'small', class: 'task' as const, share: 0.79 }] };
    const failed = { controls: [{ ...PASSED, outcome: 'failed' as const }] };
    const untested = found(false, false, false, { df: 0, sigma: null });
    expect(decide(YES, YES, { ...unlearned, ...failed }).raw).toBe('UNLEARNED');
    expect(decide(untested, untested, failed).raw).toBe('INVALID');
    expect(decide(untested, untested).reasons).toEqual([
      'One seed a scale leaves no error degrees of freedom: presence, absence and onset are untestable.',
    ]);
  });

  it('supports nothing when the continuous measures disagree about the sign', () => {
    const { raw, reasons } = decide(YES, YES, { signs: { continuous: 1, nats: -1, relative: null } });
    expect(raw).toBe('INCONCLUSIVE');
    expect(reasons.at(-1)).toBe(
      'The continuous measures disagree about the sign of the contrast at the largest scale (continuous +, nats −).',
    );
  });
});

describe('caps', () => {
  const capped = (more: Partial<VerdictInput>, continuous = YES) => {
    const { raw, verdict, caps } = decide(continuous, continuous, more);
    return [raw, verdict, caps.map(({ rule }) => rule)];
  };

  it.each<[string, Partial<VerdictInput>]>([
    ['calibration-record', { calibration: { record: null, applies: false, reason: 'none' } }],
    ['calibration-record', { calibration: { ...APPLIES, applies: false } }],
    ['calibration-false-sharp', { calibration: { ...APPLIES, record: { ...RECORD, falseSharp: 0.061 } } }],
    ['control-not-run', { controls: [PASSED, { ...PASSED, kind: 'label-swap', outcome: 'not-run' }] }],
    ['control-undecided', { controls: [{ ...PASSED, outcome: 'undecided' }] }],
    ['mixed-families', { families: ['gpt2', 'llama'] }],
  ])('%s lowers SHARP to GRADUAL', (rule, more) => {
    expect(capped(more)).toEqual(['SHARP', 'GRADUAL', [rule]]);
  });

  it('tipping-point lowers SHARP when the scales vary more than the onset bears', () => {
    expect(capped({}, found(true, true, true, { lackOfFitTau: 0.051 }))).toEqual([
      'SHARP',
      'GRADUAL',
      ['tipping-point'],
    ]);
    expect(capped({}, found(true, true, true, { lackOfFitTau: 0.049 }))).toEqual(['SHARP', 'SHARP', []]);
  });

  it('too little power makes GRADUAL UNDERPOWERED, and leaves SHARP', () => {
    const weak = { calibration: { ...APPLIES, record: { ...RECORD, power: 0.79 } } };
    expect(capped(weak, NO_ONSET)).toEqual(['GRADUAL', 'UNDERPOWERED', ['calibration-power']]);
    expect(decide(YES, YES, weak).verdict).toBe('SHARP');
  });

  it('without a record no power rule applies', () => {
    expect(capped({ calibration: { record: null, applies: false, reason: 'none' } }, NO_ONSET)).toEqual([
      'GRADUAL',
      'GRADUAL',
      ['calibration-record'],
    ]);
  });

  it('more than a tenth of the runs missing blocks every word but UNLEARNED and INVALID', () => {
    expect(capped({ missingRuns: 2 })).toEqual(['SHARP', 'INCONCLUSIVE', ['missing-runs']]);
    expect(capped({ plannedRuns: 20, missingRuns: 2 })).toEqual(['SHARP', 'SHARP', []]);
    expect(decide(found(false, true, false, { noGapAtTop: true }), NO_ONSET, { missingRuns: 3 }).verdict).toBe(
      'INCONCLUSIVE',
    );
    expect(capped({ missingRuns: 5, controls: [{ ...PASSED, outcome: 'failed' }] })).toEqual([
      'INVALID',
      'INVALID',
      [],
    ]);
  });
});

describe('the sentence', () => {
  it('always gives scales, seeds, span and what could have been seen', () => {
    for (const tests of [YES, NO_ONSET, found(false, false, false)]) {
      expect(decide(tests, tests).sentence).toMatch(
        /^[A-Z -]+: .*\(5 scales, 3 seeds, 2\.00 decades of parameters; smallest detectable contrast at the top 0\.120\)\.$/,
      );
    }
  });

  it('gives the tipping point beside SHARP', () => {
    expect(decide(YES, YES).reasons.at(-1)).toMatch(/would be lost if scales varied by τ = 0\.050/);
  });
});

describe('a calibration record', () => {
  const runs = {
    scales: 5,
    seeds: 3,
    smallestEffect: 0.1,
    alpha: 0.05,
    tests: { sigma: 0.05, df: 10, lackOfFitTau: 0, lackOfFitP: 0.5 },
  };

  it('applies to runs of its size and noise', () => {
    expect(summarizeCalibration(RECORD, runs).applies).toBe(true);
    // A little more spread than assumed is chance.
    expect(summarizeCalibration(RECORD, { ...runs, tests: { ...runs.tests, sigma: 0.06 } }).applies).toBe(true);
  });

  it.each([
    ['other scales', { scales: 6 }, /for 5 scales and 3 seeds; these runs have 6 and 3/],
    ['other seeds', { seeds: 2 }, /these runs have 5 and 2/],
    ['another bound', { smallestEffect: 0.2 }, /smallest effect of 0\.1 at α = 0\.05; the plan has 0\.2/],
    ['more spread between seeds', { tests: { ...runs.tests, sigma: 0.1 } }, /spread more \(0\.100\)/],
    ['more spread between scales', { tests: { ...runs.tests, lackOfFitTau: 0.04, lackOfFitP: 0.01 } }, /τ = 0\.040/],
  ])('does not apply to %s', (_, change, reason) => {
    const summary = summarizeCalibration(RECORD, { ...runs, ...change });
    expect(summary.applies).toBe(false);
    expect(summary.reason).toMatch(reason);
  });
});
