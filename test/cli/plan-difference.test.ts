import { describe, expect, it } from 'vitest';
import { loadSweep } from '../../src/cli/load-sweep.ts';
import { comparePlans, describeDifference } from '../../src/cli/plan-difference.ts';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import type { Sweep } from '../../src/experiment/sweep.ts';

/** The smoke sweep's plan, and what becomes of it under a change. */
async function setup(change: (sweep: Sweep) => Sweep) {
  const { plan, sweep } = await loadSweep('smoke');
  const now = freezePlan(change(sweep)).plan;
  return { difference: comparePlans(plan, now), plan, now };
}

describe('the difference of two plans', () => {
  it('is empty between equal plans, and everything is reused', async () => {
    const { difference, plan } = await setup((sweep) => sweep);
    expect(difference).toMatchObject({
      runsAdded: [],
      runsGone: [],
      stages: [],
      analysis: [],
      kept: plan.stages.length,
    });
  });

  it('names the field that a person changed, not the digests and keys that follow from it', async () => {
    const { difference } = await setup((sweep) => ({
      ...sweep,
      sessions: { ...sweep.sessions, review: { ...sweep.sessions.review, batch: sweep.sessions.review.batch + 1 } },
    }));
    const fields = new Set(difference.stages.flatMap(({ fields }) => fields.map(({ field }) => field)));
    expect(fields).toEqual(new Set(['train.batch']));
  });

  it('keeps the stages before the change, and tells a change of many stages once', async () => {
    const { difference, plan } = await setup((sweep) => ({
      ...sweep,
      sessions: { ...sweep.sessions, review: { ...sweep.sessions.review, steps: sweep.sessions.review.steps + 10 } },
    }));
    const reviews = plan.stages.filter((stage) => stage.kind === 'review').length;
    expect(difference.kept).toBe(plan.stages.length - reviews);
    const lines = describeDifference(difference);
    expect(lines.filter((line) => line.startsWith('train.steps:'))).toHaveLength(1);
    expect(lines.at(-1)).toBe(`${difference.kept} stages keep their key and are reused`);
  });

  it('tells runs that came and went', async () => {
    const { difference, plan } = await setup((sweep) => ({ ...sweep, seeds: [...sweep.seeds.slice(1), 99] }));
    const perSeed = plan.runs.filter((run) => run.seed === plan.runs[0]!.seed).length;
    expect(difference.runsAdded).toHaveLength(perSeed);
    expect(difference.runsGone).toHaveLength(perSeed);
    expect(difference.runsAdded.every((run) => run.endsWith('.s99'))).toBe(true);
  });
});
