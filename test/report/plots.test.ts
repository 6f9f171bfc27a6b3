import { describe, expect, it } from 'vitest';
import { count, decimal, grouped, interval, plainSpaces, prose, pValue, signed } from '../../src/report/format.ts';
import { SMALL_PANEL } from '../../src/report/plots/frame.ts';
import { endLabels } from '../../src/report/plots/marks.ts';
import { domainOf, linearScale, logScale, niceTicks } from '../../src/report/plots/scales.ts';
import { learningCurves } from '../../src/report/plots/training-curves.ts';
import { reportFixture } from './report-fixture.ts';

describe('scales of a plot', () => {
  it('puts ticks on round values without floating-point dust', () => {
    expect(niceTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(niceTicks(-0.2, 0.8, 5)).toEqual([-0.2, 0, 0.2, 0.4, 0.6, 0.8]);
    expect(niceTicks(0, 1100, 4)).toEqual([0, 500, 1000]);
  });

  it('keeps every value and anchor inside the domain, and adds no empty band', () => {
    expect(domainOf([0.13, 0.92, undefined, Number.NaN], 0.2, [0, 1])).toEqual([0, 1]);
    expect(domainOf([-0.01, 1.02], 0.2, [0, 1])).toEqual([-0.2, 1.2]);
    expect(domainOf([], 0.2, [0])).toEqual([0, 0.2]);
  });

  it('spaces decades evenly and ticks the measured sizes', () => {
    const scale = logScale([1e4, 1e6, 1e5], [0, 100]);
    expect(scale.ticks).toEqual([1e4, 1e5, 1e6]);
    expect(scale.at(1e5)).toBeCloseTo(50, 9);
    expect(scale.at(1e5) - scale.at(1e4)).toBeCloseTo(scale.at(1e6) - scale.at(1e5), 9);
  });

  it('draws one scale alone in the middle', () => {
    expect(logScale([5e5], [0, 100]).at(5e5)).toBeCloseTo(50, 9);
    expect(linearScale([0, 0], [0, 100]).at(0)).toBe(0);
  });
});

describe('names at the ends of lines', () => {
  it('never overlap, keep their order and stay inside', () => {
    const tones = ['unsafe', 'safe', 'task', 'gap'] as const;
    const drawn = endLabels(
      tones.map((tone, i) => ({ tone, text: tone, y: 238 + i })),
      300,
      20,
      240,
    ).text;
    const ys = [...drawn.matchAll(/ y="([\d.]+)"/g)].map((match) => Number(match[1]));
    expect(ys.length).toBe(4);
    for (let i = 1; i < ys.length; i++) expect((ys[i] ?? 0) - (ys[i - 1] ?? 0)).toBeGreaterThanOrEqual(14);
    expect(Math.max(...ys)).toBeLessThanOrEqual(245);
    expect([...drawn.matchAll(/>(\w+)<\/text>/g)].map((match) => match[1])).toEqual([...tones]);
  });
});

describe('numbers in words', () => {
  it('have a true minus, no minus zero, and a dash for what is missing', () => {
    expect(decimal(-0.256)).toBe('−0.26');
    expect(decimal(-0.001)).toBe('0.00');
    expect(signed(0.001)).toBe('0.00');
    expect(signed(0.42)).toBe('+0.42');
    expect(decimal(null)).toBe('–');
    expect(decimal(Number.NaN)).toBe('–');
    expect(interval(null, undefined)).toBe('–');
  });

  it('never claim p = 0', () => {
    expect(pValue(0)).toBe('< 0.001');
    expect(pValue(0.0504)).toBe('0.050');
    expect(pValue(null)).toBe('–');
  });

  it('in sentences of others get a true minus and a capital, words and ranges stay', () => {
    expect(prose('the gap is absent (-0.04 to -.02), one-sided, p1-p2')).toBe(
      'The gap is absent (−0.04 to −.02), one-sided, p1-p2',
    );
  });

  it('shorten and group large counts', () => {
    expect([count(24_960), count(1_780_224), count(999), count(124_000_000)].map(plainSpaces)).toEqual([
      '25 k',
      '1.8 M',
      '999',
      '124 M',
    ]);
    expect(count(24_960)).toBe('25\u00a0k');
    expect([grouped(86_400), grouped(1_234_567), grouped(12)]).toEqual(['86,400', '1,234,567', '12']);
  });
});

describe('learning curves', () => {
  it('end with the first review when an arm has several rounds', () => {
    const { analysis } = reportFixture();
    const scale = analysis.arms[0]?.scales[0];
    if (!scale) throw new Error('the fixture has no scale');
    const once = learningCurves(analysis.curves, scale, SMALL_PANEL).text;
    const again = analysis.curves.map((curve) => ({ ...curve, session: curve.session + 2 }));
    expect(learningCurves([...analysis.curves, ...again], scale, SMALL_PANEL).text).toBe(once);
    expect(once.match(/>review</g)?.length).toBe(1);
  });
});
