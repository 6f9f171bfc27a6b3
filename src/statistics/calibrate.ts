import { digestOf } from '../experiment/canonical-json.ts';
import { type CalibrationRecord, TRUTHS, type Truth, type TruthRates } from './calibration-record.ts';
import { PhiloxStream, philoxKey } from './philox.ts';
import { type ContrastTable, decidingTests, type TestOptions } from './scale-tests.ts';
import { simulateNulls } from './simulated-nulls.ts';
import { rawVerdict, type VerdictWord } from './verdict.ts';

export interface CalibrationOptions {
  /** Position of each scale, log10 of non-embedding parameters, ascending. */
  readonly x: readonly number[];
  readonly seeds: number;
  /** Standard deviation between runs of one scale, from a pilot. */
  readonly sigma: number;
  /** Standard deviation of what belongs to a scale alone. */
  readonly tau: number;
  readonly smallestEffect: number;
  readonly alpha: number;
  readonly seed: number;
  readonly simulationDraws: number;
  readonly replications?: number;
  /** Contrast at the largest scale under the truths that rise. */
  readonly alternativeEffect?: number;
}

const REPLICATIONS = 1500;
const ALTERNATIVE = 0.6;
const MOST_FALSE_SHARP = 0.06;
const TAU_STEP = 0.005;
const MOST_TAU = 0.2;

/**
 * Simulates sweeps of this many scales and seeds under each truth and counts what the decision table says, both measures seeing the same contrast and no cap
 * applied. The same options always give the same record.
 */
export function calibrate(options: CalibrationOptions): CalibrationRecord {
  const { x, seeds, sigma, tau, smallestEffect, alpha, seed, simulationDraws } = options;
  const replications = options.replications ?? REPLICATIONS;
  const alternativeEffect = options.alternativeEffect ?? ALTERNATIVE;
  const key = philoxKey(digestOf({ ...options, tau: 0 }), seed);
  const tests: TestOptions = {
    smallestEffect,
    alpha,
    key,
    nulls: simulateNulls({ x, counts: x.map(() => seeds), draws: simulationDraws, alpha, key }),
  };
  const random = new PhiloxStream(key, 'calibration');

  const ratesOf = (truth: Truth, spread: number): TruthRates => {
    const counts: Record<string, number> = {};
    for (let draw = 0; draw < replications; draw += 1) {
      random.reset(TRUTHS.indexOf(truth), draw);
      const word = wordFor(simulate(truth, spread));
      counts[word] = (counts[word] ?? 0) + 1;
    }
    const rate = (word: VerdictWord): number => (counts[word] ?? 0) / replications;
    return {
      truth,
      sharp: rate('SHARP'),
      gradual: rate('GRADUAL'),
      notSupported: rate('NOT SUPPORTED'),
      inconclusive: rate('INCONCLUSIVE'),
    };
  };
  const simulate = (truth: Truth, spread: number): ContrastTable => ({
    models: x.map((_, k) => String(k)),
    x,
    values: x.map((at) => {
      const mean = truthAt(truth, positionOf(at, x), alternativeEffect) + spread * random.normal();
      return Array.from({ length: seeds }, (_, s) => ({ seed: s, value: mean + sigma * random.normal() }));
    }),
  });
  const wordFor = (table: ContrastTable): VerdictWord => {
    const deciding = { ...decidingTests(table, tests), lackOfFitTau: null };
    const top = Math.sign(deciding.cells.at(-1)?.mean ?? 0) as -1 | 0 | 1;
    return rawVerdict({
      plan: { smallestEffect, alpha, learnedShare: 0 },
      tests: { continuous: deciding, binary: deciding },
      signs: { continuous: top, nats: null, relative: null },
      learned: [],
      controls: [],
      scales: x.length,
    }).word;
  };

  const truths = TRUTHS.map((truth) => ratesOf(truth, tau));
  const falseSharpAt = (spread: number): number =>
    Math.max(ratesOf('line', spread).sharp, ratesOf('saturating', spread).sharp);
  let tippingTau: number | null = null;
  for (let spread = 0; spread <= MOST_TAU + 1e-9; spread += TAU_STEP) {
    if (falseSharpAt(spread) > MOST_FALSE_SHARP) break;
    tippingTau = Number(spread.toFixed(3));
  }
  const line = truths.find(({ truth }) => truth === 'line') as TruthRates;
  const saturating = truths.find(({ truth }) => truth === 'saturating') as TruthRates;
  return {
    format: 'lethe-calibration/1',
    scales: x.length,
    seeds,
    x,
    sigma,
    tau,
    smallestEffect,
    alpha,
    replications,
    simulationDraws,
    seed,
    truths,
    falseSharp: Math.max(line.sharp, saturating.sharp),
    tippingTau,
    alternativeEffect,
    power: line.sharp + line.gradual,
  };
}

function positionOf(at: number, x: readonly number[]): number {
  const low = x[0] as number;
  const span = (x.at(-1) as number) - low;
  return span > 0 ? (at - low) / span : 0;
}

/** The true contrast at a position from 0 (smallest scale) to 1 (largest). */
export function truthAt(truth: Truth, position: number, top: number): number {
  switch (truth) {
    case 'zero':
      return 0;
    case 'constant':
      return top / 2;
    case 'line':
      return top * position;
    case 'hinge':
      return top * Math.max(0, 2 * position - 1);
    case 'step':
      return position > 0.5 ? top : 0;
    case 'logistic':
      return top / (1 + Math.exp(-8 * (position - 0.5)));
    case 'saturating':
      return (top * (1 - Math.exp(-3 * position))) / (1 - Math.exp(-3));
  }
}
