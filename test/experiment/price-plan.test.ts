import { describe, expect, it } from 'vitest';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import { pricePlan } from '../../src/experiment/price-plan.ts';
import { renderPlan } from '../../src/experiment/render-plan.ts';
import { sampleSweep } from './sample-sweep.ts';

function setup(options: { done?: number; slots?: number; memoryBytes?: number } = {}) {
  const { plan, planHash } = freezePlan(sampleSweep());
  const doneKeys = new Set(plan.stages.slice(0, options.done ?? 0).map(({ key }) => key));
  const question = {
    doneKeys,
    flopsPerSecond: 1e9,
    slots: options.slots ?? 2,
    ...(options.memoryBytes !== undefined && { memoryBytes: options.memoryBytes }),
  };
  return { plan, planHash, priced: pricePlan(plan, question) };
}

describe('pricePlan', () => {
  it('sums the scales to the total and counts shared stages once', () => {
    const { plan, priced } = setup();
    expect(priced.total).toMatchObject({ runs: 12, stages: 24, stagesDone: 0 });
    const sum = (field: 'stages' | 'flops' | 'trainedTokens' | 'runs') =>
      priced.scales.reduce((total, scale) => total + scale[field], 0);
    for (const field of ['stages', 'flops', 'trainedTokens', 'runs'] as const)
      expect(sum(field)).toBe(priced.total[field]);
    const steps = plan.stages.reduce((total, { spec }) => total + spec.train!.steps * spec.train!.batch * 9, 0);
    expect(priced.total.trainedTokens).toBe(steps);
  });

  it('scores the first review at four anchors and a stop rule at each check', () => {
    const { priced } = setup();
    const scored = (label: string) =>
      priced.stages.find(({ stage }) => stage.label === label)!.cost.scoredTokens / (48 * 9);
    expect(scored('one.review.s1')).toBe(4);
    expect(scored('one.finetune.s1')).toBe(2 + 2);
    expect(scored('one.align.s1')).toBe(0);
  });

  it('charges nothing for what is done, and says which runs that completes', () => {
    const { plan, priced } = setup({ done: 3 });
    expect(plan.runs[0]!.stages).toEqual([0, 1, 2]);
    expect(priced.total).toMatchObject({ stagesDone: 3, runsDone: 1 });
    expect(priced.scales.map(({ stagesDone }) => stagesDone)).toEqual([3, 0, 0]);
    expect(priced.total.flopsLeft).toBeLessThan(priced.total.flops);
    const all = setup({ done: plan.stages.length }).priced.total;
    expect(all).toMatchObject({ flopsLeft: 0, seconds: 0, leastSeconds: 0, diskBytes: 0, runsDone: 12 });
  });

  it('never promises less than the longest chain of stages that wait for each other', () => {
    const few = setup({ slots: 1 }).priced.total.seconds;
    const many = setup({ slots: 1000 }).priced;
    const chain = Math.max(
      ...many.plan.runs.map((run) => run.stages.reduce((sum, number) => sum + many.stages[number]!.seconds, 0)),
    );
    expect(many.total.seconds).toBeCloseTo(chain, 9);
    expect(few).toBeGreaterThan(many.total.seconds);
  });

  it('gives a band where a stop rule may end training early', () => {
    const { total } = setup().priced;
    expect(total.leastSeconds).toBeLessThan(total.seconds);
  });

  it('marks the scales that do not fit', () => {
    const { priced } = setup();
    const between = (priced.scales[0]!.memoryBytes + priced.scales[1]!.memoryBytes) / 2;
    const tight = setup({ memoryBytes: between }).priced;
    expect(tight.scales.map(({ fits }) => fits)).toEqual([true, false, false]);
    expect(tight.total.fits).toBe(false);
  });
});

describe('renderPlan', () => {
  it('shows each scale, the total and what would run', () => {
    const { priced, planHash } = setup({ done: 3 });
    expect(renderPlan(priced, planHash).join('\n')).toMatchInlineSnapshot(`
      "sample~3bb2d5b9fca6: 3 scales over 0.7 decades × 2 arms (forgetting, unsafe-review) × 2 seeds = 12 runs in 24 stages

      model  parameters  non-embedding  runs done  stages done  tokens   FLOPs  time left      disk    memory
      one        3.06 k            888        1/4          3/8  44.9 k   380 M        3 s   533 KiB  4.73 MiB
      two        6.61 k         2.26 k        0/4          0/8  44.9 k   867 M        5 s   936 KiB  4.87 MiB
      three      8.83 k         4.48 k        0/4          0/8  44.9 k  1.41 G        5 s  1.08 MiB  5.05 MiB
      total                                  1/12         3/24   135 k  2.65 G       12 s  1.84 MiB

      21 stages would run, 3 done already. At 1.00 GFLOP/s a slot and 2 slots: 12 s."
    `);
  });

  it('says that a finished plan starts nothing, and that a plan does not fit', () => {
    const { plan } = setup();
    const done = setup({ done: plan.stages.length });
    expect(renderPlan(done.priced, done.planHash).join('\n')).toContain('starts no job');
    const tight = setup({ memoryBytes: 1000 });
    expect(renderPlan(tight.priced, tight.planHash).at(-1)).toContain('Does not fit');
  });
});
