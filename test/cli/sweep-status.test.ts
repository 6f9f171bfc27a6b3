import { describe, expect, it } from 'vitest';
import { loadSweep } from '../../src/cli/load-sweep.ts';
import { renderStatus, statusLine } from '../../src/cli/status/render-status.ts';
import { foldStatus, type LiveStage, type Observation } from '../../src/cli/status/sweep-status.ts';
import { Output } from '../../src/cli/terminal/output.ts';

/** The smoke sweep, seen under way with nothing done, and what `seen` changes of that. */
async function setup(seen: Partial<Observation> = {}) {
  const { plan, planHash, id } = await loadSweep('smoke');
  const observation: Observation = {
    ...{ sweep: id, planHash, plan, phase: 'running', done: new Set(), live: new Map(), parked: [], held: new Set() },
    ...{ secondsLeft: () => undefined, parallel: 1 },
    ...seen,
  };
  return { plan, status: foldStatus(observation) };
}

function live(stage: string, heartbeat: Partial<NonNullable<LiveStage['heartbeat']>> = {}): LiveStage {
  return {
    stage,
    workflowId: `w/${stage}`,
    status: 'running',
    decision: 'started',
    heartbeat: { attempt: 1, state: 'running', ...heartbeat },
  };
}

describe('status of a sweep', () => {
  it('shows a run at its first stage that is not done', async () => {
    const { plan } = await setup();
    const run = plan.runs[0]!;
    const { status } = await setup({
      done: new Set([run.stages[0]!]),
      live: new Map([[run.stages[1]!, live('x', { step: 5, steps: 20 })]]),
    });
    const row = status.rows.find((each) => each.run === run.id)!;
    expect(row).toMatchObject({
      state: 'running',
      position: `2/${run.stages.length}`,
      stage: { step: 5, steps: 20, attempt: 1 },
    });
  });

  it('lists the worst first and names what to type for a parked stage', async () => {
    const { plan } = await setup();
    const last = plan.runs.at(-1)!;
    const stage = plan.stages[last.stages[0]!]!;
    const parked = {
      number: stage.number,
      label: stage.label,
      class: 'crash',
      rule: 'ended by SIGSEGV',
      attempt: 4,
      command: 'lethe retry x',
    };
    const { status } = await setup({ parked: [parked] });
    expect(status.rows[0]).toMatchObject({ state: 'parked', stage: { reason: 'crash: ended by SIGSEGV', attempt: 4 } });
    expect(renderStatus(status, new Output({})).at(-1)).toBe('  to go on: lethe retry x');
    expect(statusLine(status)).toContain('1 parked');
  });

  it('tells a stage that can start from one that waits for its parents', async () => {
    const { plan, status } = await setup();
    const states = new Set(status.rows.map((row) => row.state));
    expect(states).toEqual(new Set(['ready']));
    const child = plan.stages.find((stage) => stage.parents.length > 0)!;
    const run = plan.runs.find((each) => each.stages.includes(child.number))!;
    const after = await setup({ done: new Set(child.parents) });
    expect(after.status.rows.find((row) => row.run === run.id)!.state).toBe('ready');
  });

  it('counts the share of the work, not of the stages', async () => {
    const { plan } = await setup();
    const none = await setup();
    expect(none.status.share).toBe(0);
    const all = await setup({ done: new Set(plan.stages.map((stage) => stage.number)) });
    expect(all.status).toMatchObject({ share: 1, runs: { done: plan.runs.length, total: plan.runs.length } });
    const half = await setup({ live: new Map([[0, live('x', { step: 10, steps: 20 })]]) });
    const whole = await setup({ done: new Set([0]) });
    expect(half.status.share).toBeCloseTo(whole.status.share / 2, 12);
  });

  it('says no time at all rather than a wrong one while a stage was never measured', async () => {
    const { status } = await setup();
    expect(status.secondsLeft).toBeUndefined();
    const measured = await setup({ secondsLeft: () => 10, parallel: 2 });
    expect(measured.status.secondsLeft).toBe((10 * measured.plan.stages.length) / 2);
  });

  it('shows why a stage waits', async () => {
    const { status } = await setup({
      live: new Map([[0, live('x', { state: 'queued', reason: 'waits for 1 of 2 cores, 2 are taken' })]]),
    });
    expect(status.rows[0]).toMatchObject({ state: 'queued', stage: { reason: 'waits for 1 of 2 cores, 2 are taken' } });
  });
});

describe('a store that was stopped', () => {
  it('shows the stages where they stopped, not as running', async () => {
    const running = live('x', { step: 5, steps: 20, tokensPerSecond: 1000 });
    const { status } = await setup({ phase: 'stopped', live: new Map([[0, running]]), secondsLeft: () => 10 });
    const row = status.rows.find((each) => each.stage.number === 0)!;
    expect(row).toMatchObject({ state: 'paused', stage: { step: 5, steps: 20 } });
    expect(row.stage.tokensPerSecond).toBeUndefined();
    expect(status).toMatchObject({ tokensPerSecond: 0, stages: { active: 0 } });
    expect(status.secondsLeft).toBeUndefined();
  });
});
