import { describe, expect, it } from 'vitest';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import type { Plan } from '../../src/experiment/plan.ts';
import type { Evidence } from '../../src/recovery/evidence.ts';
import { reportInputFromSweep, type StageRecord, type SweepOrigin } from '../../src/report/input-from-sweep.ts';
import { recipeOfPlan } from '../../src/report/recipe-of-plan.ts';
import { renderReport } from '../../src/report/render-report.ts';
import { sampleSweep } from '../experiment/sample-sweep.ts';
import { reportFixture } from './report-fixture.ts';

const RESULT = {
  steps: 100,
  stoppedBy: 'stop-rule',
  trainerBuild: 'b'.repeat(64),
  numerics: { backend: 'cpu', version: 1 },
  microBatchChanged: false,
} as const;

function evidence(change: Partial<Evidence> = {}): Evidence {
  return {
    attempt: 1,
    outcome: 'succeeded',
    rule: 'exit code 0',
    sentence: 'done',
    checkpointStep: 100,
    reachedStep: 100,
    writers: [],
    logTail: [],
    events: [],
    endedAt: '2026-01-02T03:04:05.678Z',
    ...change,
  };
}

/** A sweep whose stages are all done, but for those named. */
function setup(
  options: { readonly without?: (plan: Plan) => readonly number[]; readonly change?: Partial<SweepOrigin> } = {},
) {
  const { plan } = freezePlan(sampleSweep());
  const without = new Set(options.without?.(plan) ?? []);
  const records = plan.stages.map(
    (stage): StageRecord =>
      without.has(stage.number)
        ? { key: stage.key, evidence: [], reused: false }
        : { key: stage.key, result: RESULT, evidence: [evidence()], reused: false },
  );
  const origin: SweepOrigin = {
    sweep: 'sample~123456789abc',
    plan,
    records,
    parked: [],
    provenance: { code: { version: '0.1.0' }, versions: {}, reproduce: [] },
    generatedAt: '2026-01-02T03:05:00Z',
    ...options.change,
  };
  const { analysis } = reportFixture({ failures: false });
  return { plan, origin, input: reportInputFromSweep(analysis, origin) };
}

describe("a report's input from a sweep", () => {
  it('names every run and stage of the plan, in its order, and is whole when all are done', () => {
    const { plan, input } = setup();
    expect(input.runs.map((run) => run.run)).toEqual(plan.runs.map((run) => run.id));
    expect(input.stages.map((stage) => stage.key)).toEqual(plan.stages.map((stage) => stage.key));
    expect(new Set(input.runs.map((run) => run.state))).toEqual(new Set(['done']));
    expect(input.provenance.trainerBuilds).toEqual([{ build: RESULT.trainerBuild, stages: plan.stages.length }]);
    expect(input.policyGrammar).toBe(true);
  });

  it('says of a missing run which stage is parked, by which rule, and what to type', () => {
    const { input, plan } = setup({
      without: () => [1],
      change: {
        parked: [
          {
            number: 1,
            label: 'x',
            class: 'crash',
            rule: 'three attempts without progress',
            attempt: 3,
            command: 'lethe retry x',
          },
        ],
      },
    });
    const label = plan.stages[1]?.label;
    const affected = plan.runs.filter((run) => run.stages.includes(1)).map((run) => run.id);
    expect(affected.length).toBeGreaterThan(0);
    const missing = input.runs.filter((run) => run.state === 'missing');
    expect(missing.map((run) => run.run)).toEqual(affected);
    expect(missing[0]?.reason).toBe(`its stage ${label} is parked: crash, three attempts without progress`);
    expect(missing[0]?.command).toBe('lethe retry x');
    expect(input.stages[1]?.state).toBe('parked');
  });

  it('tells held and cancelled stages, and stages never reached, from parked ones', () => {
    const parked = (number: number, why: string) => ({
      number,
      label: 'x',
      class: why,
      rule: 'r',
      attempt: 1,
      command: 'c',
    });
    const { input } = setup({
      without: () => [0, 1, 2],
      change: { parked: [parked(0, 'held by breaker'), parked(1, 'cancelled by hand')] },
    });
    expect(input.stages.slice(0, 3).map((stage) => stage.state)).toEqual(['held', 'cancelled', 'not-started']);
  });

  it('counts the steps between the last checkpoint and the end of a failed attempt as lost', () => {
    const { plan, origin } = setup();
    const records = origin.records.map((record, i) =>
      i === 0
        ? {
            ...record,
            evidence: [
              evidence({ outcome: 'failed', failure: 'crash', reachedStep: 87, checkpointStep: 50 }),
              evidence({ attempt: 2 }),
            ],
          }
        : record,
    );
    const input = reportInputFromSweep(reportFixture().analysis, { ...origin, plan, records });
    expect(input.stages[0]?.attempts.map((attempt) => attempt.stepsLost)).toEqual([37, 0]);
  });

  it('names each dataset once with all that used it', () => {
    const { input, plan } = setup();
    const digests = plan.stages
      .flatMap(({ spec }) => [spec.train?.data.digest, spec.score?.data.digest])
      .filter(Boolean);
    expect(input.provenance.data.map((one) => one.digest).sort()).toEqual([...new Set(digests)].sort());
    expect(input.provenance.data.some((one) => one.role.includes('finetune'))).toBe(true);
  });

  it('counts trainer builds, so that a mixed report says so', async () => {
    const { origin } = setup();
    const records = origin.records.map((record, i) =>
      i === 0 ? { ...record, result: { ...RESULT, trainerBuild: 'c'.repeat(64) } } : record,
    );
    const input = reportInputFromSweep(reportFixture().analysis, { ...origin, records });
    expect(input.provenance.trainerBuilds.map((one) => one.stages)).toEqual([records.length - 1, 1]);
    expect((await renderReport(input)).files['index.html']).toContain('Mixed builds');
  });
});

describe('the recipe in words', () => {
  it('has a line per model and per kind of session, and names models only where they differ', () => {
    const { plan } = freezePlan(sampleSweep());
    const recipe = recipeOfPlan(plan);
    expect(recipe.map((line) => line.name)).toEqual([
      ...plan.models.map((model) => model.name),
      'align',
      'finetune',
      'review',
    ]);
    const rates = new Set(
      plan.stages.filter((stage) => stage.kind === 'finetune').map((stage) => stage.spec.train?.optimizer.learningRate),
    );
    const finetune = recipe.find((line) => line.name === 'finetune')?.value ?? '';
    for (const rate of rates) expect(finetune).toContain(String(rate));
    expect(finetune.match(/batch/g)?.length).toBe(1);
  });
});
