import { describe, expect, it } from 'vitest';
import type { ScheduledStage } from '../../src/activities/plan-page.ts';
import { Canaries } from '../../src/workflows/canaries.ts';

const stage = (number: number, model: string): ScheduledStage => {
  const named = { key: 'k', kind: 'finetune', seed: 1, label: `s${number}`, parents: [], parameters: 1 } as const;
  return { ...named, number, model, state: 'open' };
};

describe('a canary', () => {
  it('keeps the other stages of its model waiting until it has passed, and no other model', () => {
    const canaries = new Canaries('checkpoint', []);
    expect(canaries.started(stage(1, 'a'))).toBe(true);
    expect(canaries.admits(stage(2, 'a'))).toBe(false);
    expect(canaries.admits(stage(3, 'b'))).toBe(true);
    canaries.passed(1);
    expect(canaries.admits(stage(2, 'a'))).toBe(true);
    expect(canaries.started(stage(2, 'a'))).toBe(false);
  });

  it('hands over to the next stage when it fails', () => {
    const canaries = new Canaries('stage', []);
    expect(canaries.started(stage(1, 'a'))).toBe(false);
    canaries.ended(stage(1, 'a'), false);
    expect(canaries.admits(stage(2, 'a'))).toBe(true);
    canaries.started(stage(2, 'a'));
    expect(canaries.admits(stage(4, 'a'))).toBe(false);
  });

  it('is not asked of a model that has a finished stage, or when it is off', () => {
    const canaries = new Canaries('checkpoint', []);
    canaries.begin([stage(1, 'a')]);
    expect(canaries.started(stage(2, 'a'))).toBe(false);
    expect(canaries.passedModels).toEqual(['a']);
    const off = new Canaries('off', []);
    off.started(stage(1, 'a'));
    expect(off.admits(stage(2, 'a'))).toBe(true);
  });
});
