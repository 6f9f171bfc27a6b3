import { describe, expect, it } from 'vitest';
import { calibrate } from '../../src/statistics/calibrate.ts';
import type { Truth } from '../../src/statistics/calibration-record.ts';

function record(scales: number, seeds: number, tau = 0) {
  return calibrate({
    x: Array.from({ length: scales }, (_, k) => 4.5 + k * 0.5),
    seeds,
    sigma: 0.05,
    tau,
    smallestEffect: 0.1,
    alpha: 0.05,
    seed: 3,
    simulationDraws: 20_000,
    replications: 800,
  });
}

/** Share of SHARP, GRADUAL, NOT SUPPORTED that plan v1 promises (docs/statistics.md, Calibration), with room for 800 replications of each side. */
const PROMISED: Record<string, Partial<Record<Truth, [number, number, number]>>> = {
  '4x3': {
    zero: [0, 0, 0.94],
    constant: [0, 0, 1],
    line: [0.04, 0.84, 0],
    hinge: [0.87, 0, 0],
    step: [0.84, 0.04, 0],
    saturating: [0, 0.86, 0],
  },
  '6x5': {
    zero: [0, 0, 1],
    constant: [0, 0, 1],
    line: [0.05, 0.94, 0],
    hinge: [1, 0, 0],
    step: [0.99, 0, 0],
    saturating: [0, 0.99, 0],
  },
};

describe('calibration by simulation', () => {
  for (const [size, truths] of Object.entries(PROMISED)) {
    it(`gives the promised rates for ${size}`, () => {
      const [scales, seeds] = size.split('x').map(Number) as [number, number];
      const own = record(scales, seeds);
      for (const [truth, promised] of Object.entries(truths)) {
        const rates = own.truths.find((candidate) => candidate.truth === truth);
        [rates?.sharp, rates?.gradual, rates?.notSupported].forEach((rate, i) => {
          expect(Math.abs((rate ?? Number.NaN) - (promised[i] as number)), `${truth} ${i}`).toBeLessThan(0.06);
        });
      }
      expect(own.falseSharp).toBeLessThan(0.08);
      expect(own.power).toBeGreaterThan(0.8);
    });
  }

  it('shows that a spread between scales makes false SHARP, which seeds do not cure', () => {
    expect(record(6, 5, 0.03).falseSharp).toBeGreaterThan(0.1);
    expect(record(6, 5, 0.03).tippingTau ?? 0).toBeLessThan(0.03);
  });

  it('is the same record again', () => {
    expect(record(4, 2)).toEqual(record(4, 2));
  });
});
