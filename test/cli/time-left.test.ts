import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Store } from '../../src/artifacts/store.ts';
import { loadSweep } from '../../src/cli/load-sweep.ts';
import { TimeLeft } from '../../src/cli/status/time-left.ts';
import type { StageHeartbeat } from '../../src/temporal/stage-heartbeat.ts';

describe('the time that is left', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('goes by the pace of a stage in flight, for itself and for those that have not begun', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { plan } = await loadSweep('smoke');
    const [first, ...others] = plan.stages;
    const alike = others.find((stage) => stage.model === first!.model && stage.kind === first!.kind)!;
    // Nothing has finished, so nothing of the store is read.
    const timeLeft = new TimeLeft({} as Store, plan, 1e9);
    const beat = (step: number) => ({ attempt: 1, state: 'running', step, steps: 100 }) as StageHeartbeat;
    const priced = timeLeft.secondsLeft(alike, undefined);
    timeLeft.secondsLeft(first!, beat(10));
    vi.setSystemTime(Date.now() + 40_000);
    expect(timeLeft.secondsLeft(first!, beat(20))).toBe(320);
    expect(timeLeft.secondsLeft(alike, undefined)).toBeCloseTo(400, 6);
    expect(priced).not.toBeCloseTo(400, 0);
  });

  it('does not take the wait of a stage that goes on from a checkpoint for its pace', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { plan } = await loadSweep('smoke');
    const stage = plan.stages[0]!;
    const timeLeft = new TimeLeft({} as Store, plan, 1e9);
    const whole = timeLeft.secondsLeft(stage, undefined);
    const beat = (state: StageHeartbeat['state'], step: number): StageHeartbeat => ({
      attempt: 2,
      state,
      step,
      steps: 100,
    });
    expect(timeLeft.secondsLeft(stage, beat('queued', 50))).toBeCloseTo(whole / 2, 6);
    vi.setSystemTime(Date.now() + 3_600_000);
    timeLeft.secondsLeft(stage, beat('running', 50));
    vi.setSystemTime(Date.now() + 10_000);
    expect(timeLeft.secondsLeft(stage, beat('running', 60))).toBe(40);
  });

  it('takes a finished stage that went on from a checkpoint for one that took all its steps', async () => {
    const path = mkdtempSync(join(tmpdir(), 'lethe-time-left-'));
    try {
      const launchedAt = '2026-01-01T00:00:00.000Z';
      const ended = new Date(Date.parse(launchedAt) + 40_000);
      writeFileSync(join(path, 'outcome.json'), '{}');
      utimesSync(join(path, 'outcome.json'), ended, ended);
      const writer = () => ({ path, origin: async () => ({ step: 60 }) });
      const attempt = () => ({ launched: async () => ({ launchedAt }), writer });
      const result = async () => ({ attempt: 2, writer: '1-1', steps: 100 });
      const store = { stage: () => ({ result, attempt }) } as unknown as Store;
      const { plan } = await loadSweep('smoke');
      const timeLeft = new TimeLeft(store, plan, 1e9);
      await timeLeft.learn(new Set([0]));
      expect(timeLeft.secondsLeft(plan.stages[0]!, undefined)).toBeCloseTo(100, 6);
    } finally {
      rmSync(path, { recursive: true });
    }
  });
});
