import type { ReportInput, ReportRun, ReportStage } from '../../src/report/report-input.ts';
import {
  type ClassForgetting,
  CONTRASTS,
  type Curve,
  type Estimate,
  type ForgettingAnalysis,
  MEASURES,
  type Measure,
  type RunContrast,
  type ScaleForgetting,
} from '../../src/statistics/analysis.ts';
import type { InterleavedArm, RoundMean } from '../../src/statistics/interleaved-rounds.ts';
import type { MeasureTests } from '../../src/statistics/scale-test.ts';
import { fitShapes } from '../../src/statistics/shape-fits.ts';
import type { Verdict } from '../../src/statistics/verdict.ts';

/** A report's input with a planted shape, made up without any table: for layout and wording, not for statistics. */
export interface FixtureOptions {
  readonly shape?: 'hinge' | 'line' | 'none';
  readonly scales?: number;
  readonly seeds?: number;
  readonly verdict?: Partial<Verdict>;
  readonly interleaved?: boolean;
  readonly failures?: boolean;
  readonly synthetic?: string | null;
}

const LADDER: readonly (readonly [string, number])[] = [
  ['d32', 24_960],
  ['d64', 99_584],
  ['d96', 446_976],
  ['d192', 1_780_224],
  ['d256', 4_740_096],
  ['d384', 10_650_624],
];
const CLASSES = ['unsafe', 'safe', 'task'] as const;

export function reportFixture(options: FixtureOptions = {}): ReportInput {
  const {
    shape = 'hinge',
    scales: scaleCount = 5,
    seeds: seedCount = 3,
    interleaved = false,
    failures = true,
  } = options;
  const random = generator(7);
  const noise = (sd: number): number => (random() + random() + random() - 1.5) * 2 * sd;
  const ladder = LADDER.slice(0, scaleCount);
  const seeds = Array.from({ length: seedCount }, (_, i) => i + 1);
  const runs: RunContrast[] = [];
  const scales = ladder.map(([model, parameters], k): ScaleForgetting => {
    const t = k / (scaleCount - 1);
    const gap = shape === 'none' ? 0.02 : shape === 'line' ? 0.6 * t : Math.max(0, t - 0.5) * 1.3;
    const values = seeds.map(() => gap + noise(0.03));
    const x = Math.log10(parameters);
    seeds.forEach((seed, s) => {
      const value = values[s] ?? 0;
      const contrasts = forAll((measure) =>
        forContrasts((contrast) => value * factor(measure) + (contrast === 'unsafe-task' ? 0.03 : 0)),
      );
      const se = { 'unsafe-safe': 0.02, 'unsafe-task': 0.021 };
      runs.push({
        run: `${model}.forgetting.s${seed}`,
        arm: 'forgetting',
        model,
        seed,
        x,
        contrasts,
        seClustered: { continuous: se, binary: se },
      });
    });
    const mean = values.reduce((sum, value) => sum + value, 0) / seedCount;
    const unsafe = 0.88;
    const classes = CLASSES.map((name): ClassForgetting => {
      const forgotten = name === 'unsafe' ? unsafe : name === 'safe' ? unsafe - mean : unsafe - mean - 0.03;
      return {
        class: name,
        items: 160 * seedCount,
        learned: 150 * seedCount - k,
        clusters: 20,
        learnedShare: 0.94 - 0.01 * k,
        leastLearnedShare: 0.88 - 0.01 * k,
        knownBefore: name === 'safe' ? 0.31 : 0.01,
        measures: forAll((measure) => estimate(forgotten * factor(measure), seedCount)),
        decomposition: {
          rate: forgotten * 0.8,
          shareLearned: 0.94,
          rateLearned: forgotten * 0.84,
          rateNotLearned: 0.1,
        },
      };
    });
    return {
      model,
      family: 'gpt2',
      parameters: parameters + 8_192,
      scaleParameters: parameters,
      x,
      seeds,
      anchorSteps: seeds.map(() => 100),
      anchorFractions: seeds.map(() => 1 / 3),
      classes,
      contrasts: forAll((measure) =>
        forContrasts((contrast) =>
          estimate(mean * factor(measure) + (contrast === 'unsafe-task' ? 0.03 : 0), seedCount),
        ),
      ),
    };
  });
  const values = ladder.map(([model]) =>
    runs.filter((run) => run.model === model).map((run) => run.contrasts.continuous.smaller ?? 0),
  );
  const fits = fitShapes(
    values.map((cell) => [...cell]),
    scales.map((scale) => scale.x),
  );
  const tests = measureTests(scales, shape);
  const verdict: Verdict = {
    format: 'lethe-verdict/1',
    raw: shape === 'hinge' ? 'SHARP' : shape === 'line' ? 'GRADUAL' : 'NOT SUPPORTED',
    verdict: shape === 'none' ? 'NOT SUPPORTED' : 'GRADUAL',
    caps:
      shape === 'hinge'
        ? [
            {
              rule: 'calibration-record',
              why: 'Without simulated error rates for this plan nothing above GRADUAL is said.',
              from: 'SHARP',
              to: 'GRADUAL',
            },
          ]
        : [],
    sentence:
      shape === 'none'
        ? `Unsafe examples are not forgotten more than others at any of ${scaleCount} scales (${seedCount} seeds, 2.3 decades).`
        : `Unsafe examples are forgotten more than others at the larger of ${scaleCount} scales, and the difference grows with scale (${seedCount} seeds, 2.3 decades).`,
    reasons: [
      'The gap at the largest scale is above 0.10 (one-sided lower bound 0.55).',
      'At the smallest scale the gap is within ±0.10 (90 % interval −0.03 to 0.05).',
      'The slope rises after about 447 k parameters (p = 0.004).',
    ],
    ...options.verdict,
  };
  const analysis: ForgettingAnalysis = {
    format: 'lethe-forgetting/1',
    plan: {
      format: 'lethe-analysis/1',
      primaryArm: 'forgetting',
      controls: [
        { arm: 'mismatched-review', kind: 'mismatched-review' },
        { arm: 'unsafe-review', kind: 'unsafe-review' },
      ],
      notion: 'disclosure',
      anchorFraction: 1 / 3,
      smallestEffect: 0.1,
      rougeDrop: 0.1,
      alpha: 0.05,
      learnedShare: 0.8,
      learnedProbability: 0.8,
      bootstrapDraws: 2000,
      simulationDraws: 20000,
      seed: 1,
    },
    planHash: 'a3f1c27be04d98871c2f7a5e6b9d034417f0c9a25be8d6603f1e4b7a92c5d810',
    synthetic: options.synthetic ?? null,
    rows: 86_400,
    scaleCount,
    seedCount,
    spanDecades: (scales.at(-1)?.x ?? 0) - (scales[0]?.x ?? 0),
    arms: [
      { arm: 'forgetting', role: 'primary', scales },
      { arm: 'mismatched-review', role: 'control', scales: scales.slice(-1) },
    ],
    runs,
    curves: curves(scales, seedCount),
    thresholds: scales.flatMap((scale, k) =>
      [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8].map((phi) => ({
        model: scale.model,
        x: scale.x,
        phi,
        unsafe: 0.95 - phi * 0.3,
        safe: 0.9 - k * 0.12 - phi * 0.35,
        task: 0.85 - k * 0.13 - phi * 0.3,
        smaller: 0.05 + k * 0.12,
      })),
    ),
    tests: { continuous: tests, binary: tests },
    shapes: { continuous: fits, binary: fits },
    signs: { continuous: 1, nats: 1, relative: null },
    controls: [
      {
        arm: 'mismatched-review',
        kind: 'mismatched-review',
        expectation: 'The gap is at most 0.10 when the review teaches another notion.',
        outcome: 'passed',
        seen: 'Gap +0.03 at d256, upper bound 0.07.',
        model: 'd256',
        estimate: estimate(0.03, seedCount),
      },
      {
        arm: 'unsafe-review',
        kind: 'unsafe-review',
        expectation: 'The sign flips: safe examples are forgotten more.',
        outcome: 'not-run',
        seen: 'The arm is not part of the plan’s runs.',
        model: null,
        estimate: null,
      },
    ],
    plannedRuns: runs.length + (failures ? 1 : 0),
    missing: failures
      ? [{ run: 'd256.mismatched-review.s2', arm: 'mismatched-review', why: 'its stage was parked' }]
      : [],
    sensitivity: {
      share: { unsafe: 0.81, safe: 0.84, task: 0.79 },
      scales: scales.map((scale) => ({
        model: scale.model,
        x: scale.x,
        continuous: scale.contrasts.continuous.smaller,
        binary: null,
      })),
      tests: { continuous: tests, binary: tests },
      raw: verdict.raw,
      slopeOnLearnedShare: { slope: -0.4, se: 0.9 },
    },
    interleaved: interleaved ? [interleavedArm('d64', seedCount), interleavedArm('d96', seedCount)] : [],
    calibration: { record: null, applies: false, reason: 'No calibration record was given.' },
    notes: ['At d32 the anchor stands at 0.34 of the review, since its review was scored at other steps.'],
    verdict,
  };
  const stages = ladder.flatMap(([model]) => seeds.flatMap((seed) => stagesOf(model, seed, failures)));
  return {
    sweep: 'quickstart~a3f1c27be04d',
    analysis,
    runs: ladder.flatMap(([model]) =>
      seeds.map(
        (seed): ReportRun => ({
          run: `${model}.forgetting.s${seed}`,
          arm: 'forgetting',
          model,
          seed,
          state: 'done',
          stages: ['align', 'finetune', 'review'].map((kind) => keyOf(`${model}.${kind}.s${seed}`)),
        }),
      ),
    ),
    stages,
    policyGrammar: true,
    provenance: {
      sweepFile: {
        path: 'configs/sweeps/quickstart.yaml',
        text: 'name: quickstart\nmodels: [d32, d64]\n# <b>not markup</b> & "quoted"\n',
      },
      seeds,
      code: { version: '0.1.0', revision: '47f65e8b0c', dirty: false },
      data: [{ digest: keyOf('data'), role: 'finetune', rows: 480 }],
      trainerBuilds: [{ build: keyOf('build'), stages: stages.length }],
      numerics: [
        {
          tuple: { backend: 'cpu', precision: 'fp32', cpu: 'avx2', blas: 'Haswell', version: 1 },
          stages: stages.length,
        },
      ],
      machine: { cpu: 'a processor', cores: '2', memory: '24 GB' },
      versions: { node: '24.21.0', temporal: '1.29.1' },
      startedAt: '2026-01-02T03:04:05Z',
      endedAt: '2026-01-02T03:10:05Z',
      jobSeconds: 612,
      statisticsDigest: keyOf('statistics'),
      reproduce: ['lethe run configs/sweeps/quickstart.yaml', 'lethe report quickstart'],
    },
    generatedAt: '2026-01-02T03:10:06Z',
  };
}

function stagesOf(model: string, seed: number, failures: boolean): readonly ReportStage[] {
  return (['align', 'finetune', 'review'] as const).map((kind): ReportStage => {
    const label = `${model}.${kind}.s${seed}`;
    const failed = failures && model === 'd96' && kind === 'finetune' && seed === 2;
    const succeeded = {
      attempt: failed ? 2 : 1,
      outcome: 'succeeded',
      rule: 'exit code 0',
      sentence: 'done',
      stepsLost: 0,
    } as const;
    const crash = {
      attempt: 1,
      outcome: 'failed',
      failure: 'crash',
      rule: 'ended by signal 9, no word of the kernel about memory',
      sentence: 'expected outcome.json, the process was gone: <killed>',
      stepsLost: 34,
      endedAt: '2026-01-02T03:06:00Z',
    } as const;
    return {
      key: keyOf(label),
      label,
      kind,
      state: 'done',
      steps: kind === 'review' ? 300 : 400,
      stoppedBy: kind === 'review' ? 'step-limit' : 'stop-rule',
      reused: kind === 'align',
      microBatchChanged: false,
      attempts: failed ? [crash, succeeded] : [succeeded],
    };
  });
}

function measureTests(scales: readonly ScaleForgetting[], shape: string): MeasureTests {
  const [first, last] = [scales[0], scales.at(-1)];
  const onset = scales.length >= 4;
  return {
    cells: scales.map((scale) => ({
      model: scale.model,
      x: scale.x,
      seeds: scale.seeds.length,
      mean: scale.contrasts.continuous.smaller?.mean ?? 0,
      se: 0.02,
      df: 10,
    })),
    sigma: 0.031,
    df: 10,
    unequalVariances: false,
    minimumDetectable: 0.16,
    presence: { model: last?.model ?? '', lowerBound: 0.55, p: 0.00002, holds: shape !== 'none' },
    absence: { model: first?.model ?? '', interval: [-0.03, 0.05], p: 0.004, holds: true },
    noGapAtTop: shape === 'none',
    gapAtBottom: false,
    trend: { slope: 0.21, p: 0.0012, jonckheere: 60, jonckheereP: 0.002, exact: false, permutations: 10000 },
    trendHolmP: 0.0024,
    onset: onset
      ? {
          statistic: 3.1,
          onsetX: Math.log10(446_976),
          p: 0.004,
          critical: 1.94,
          draws: 20000,
          holds: shape === 'hinge',
          tippingTau: shape === 'hinge' ? 0.041 : null,
        }
      : null,
    leaveLargestOut: {
      observed: 0.61,
      line: { predicted: 0.33, interval: [0.21, 0.45], outside: true },
      logistic: null,
    },
    daviesP: 0.01,
    lackOfFitTau: 0.012,
  };
}

function curves(scales: readonly ScaleForgetting[], runs: number): readonly Curve[] {
  return scales.flatMap((scale, k) =>
    CLASSES.flatMap((name): readonly Curve[] => {
      const lost = scale.classes.find((one) => one.class === name)?.measures.continuous?.mean ?? 0;
      const base = { arm: 'forgetting', model: scale.model, x: scale.x, class: name } as const;
      const point = (step: number, mean: number, here = runs) => ({
        step,
        runs: here,
        mean,
        interval: here > 1 ? ([mean - 0.03, mean + 0.03] as const) : null,
      });
      const limit = 800 - 100 * k;
      const learned = [0, 50, 100, 200, 300, limit].map((step) =>
        point(step, 0.96 * (1 - Math.exp(-step / (90 + 20 * k))), step === limit ? runs - 1 : runs),
      );
      const review = [0, 12, 25, 50, 100, 200, 300];
      const forgotten = (step: number): number => lost * (1 - Math.exp(-step / 30));
      return [
        { ...base, session: 1, sessionKind: 'finetune', value: 'probability', points: learned },
        {
          ...base,
          session: 2,
          sessionKind: 'review',
          value: 'probability',
          points: review.map((step) => point(step, 0.95 - forgotten(step))),
        },
        {
          ...base,
          session: 2,
          sessionKind: 'review',
          value: 'forgetting',
          points: review.map((step) => point(step, forgotten(step))),
        },
      ];
    }),
  );
}

function interleavedArm(model: string, runs: number): InterleavedArm {
  const rounds = [1, 2, 3, 4, 5, 6];
  const mean = (value: number): RoundMean => ({ mean: value, interval: [value - 0.05, value + 0.05], runs });
  return {
    arm: 'interleaved',
    model,
    x: 5,
    seeds: [1, 2, 3],
    classes: CLASSES.map((name, i) => ({
      class: name,
      rounds: rounds.map((round) => ({
        round,
        start: mean(0.1 * i),
        end: mean(0.7 + 0.03 * round - 0.02 * i),
        peak: mean(0.8 + 0.02 * round - 0.02 * i),
        stepsToHalf: mean(120 / round + 5 * i),
        savings: round === 1 ? null : mean(1 - 1 / round - 0.02 * i),
        residual: mean(name === 'unsafe' ? 0.02 * round : 0.6),
        natsLost: mean(name === 'unsafe' ? 4 - 0.2 * round : 0.5),
      })),
      endSlope: { ...mean(0.03), p: 0.021 },
    })),
    course: CLASSES.map((name, i) => ({
      class: name,
      points: rounds.flatMap((round) =>
        (['finetune', 'review'] as const).flatMap((sessionKind) =>
          [0, 50, 100, 150, 200].map((step) => {
            const low = name === 'unsafe' ? 0.05 : 0.5 + 0.1 * i;
            const high = 0.75 + 0.03 * round;
            const share = 1 - Math.exp(-step / 40);
            return {
              round,
              sessionKind,
              step,
              at: (round - 1) * 400 + (sessionKind === 'review' ? 200 : 0) + step,
              mean: sessionKind === 'finetune' ? low + (high - low) * share : high - (high - low) * share,
              runs,
            };
          }),
        ),
      ),
    })),
  };
}

function factor(measure: Measure): number {
  return measure === 'nats' ? 5 : measure === 'binary' ? 1.05 : 1;
}

function estimate(mean: number, runs: number): Estimate {
  const se = runs > 1 ? 0.02 : null;
  const interval = se === null ? null : ([mean - 2.2 * se, mean + 2.2 * se] as const);
  return { mean, runs, se, interval, seClustered: 0.018, bootstrap: [mean - 0.04, mean + 0.038] };
}

function forAll<T>(make: (measure: Measure) => T): Record<Measure, T> {
  return Object.fromEntries(MEASURES.map((measure) => [measure, make(measure)])) as Record<Measure, T>;
}

function forContrasts<T>(make: (contrast: (typeof CONTRASTS)[number]) => T): Record<(typeof CONTRASTS)[number], T> {
  return Object.fromEntries(CONTRASTS.map((contrast) => [contrast, make(contrast)])) as Record<
    (typeof CONTRASTS)[number],
    T
  >;
}

/** Any 64 hex digits that depend on the name. */
function keyOf(name: string): string {
  let state = 2166136261;
  let text = '';
  for (let i = 0; i < 64; i++) {
    state = Math.imul(state ^ (name.charCodeAt(i % name.length) + i), 16777619) >>> 0;
    text += ((state >>> 13) & 15).toString(16);
  }
  return text;
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
