import { describe, expect, it } from 'vitest';
import type { ParkedReason, ScheduledStage } from '../../src/activities/plan-page.ts';
import { heldByBreaker } from '../../src/workflows/breaker.ts';

function parked(number: number, model: string, failure = 'crash', rule = 'r'): [ScheduledStage, ParkedReason] {
  const named = { key: 'k', kind: 'finetune', seed: 1, label: `s${number}`, parents: [], parameters: 1 } as const;
  return [
    { ...named, number, model, state: 'parked' },
    { class: failure, rule, attempt: 1 },
  ];
}

const none: ReadonlySet<number> = new Set();

describe('the breaker', () => {
  it('holds a model when three of its stages were parked for the same class and rule', () => {
    const two = [
      parked(1, 'a'),
      parked(2, 'a'),
      parked(3, 'a', 'io'),
      parked(4, 'a', 'crash', 'other'),
      parked(5, 'b'),
    ];
    expect([...heldByBreaker(two, none).models]).toEqual([]);
    expect([...heldByBreaker([...two, parked(6, 'a')], none).models]).toEqual(['a']);
  });

  it('holds the sweep when two models are held', () => {
    const three = (from: number, model: string) => [0, 1, 2].map((n) => parked(from + n, model));
    expect(heldByBreaker(three(0, 'a'), none).sweep).toBe(false);
    expect(heldByBreaker([...three(0, 'a'), ...three(3, 'b')], none).sweep).toBe(true);
  });

  it('counts anew once a person has lifted it', () => {
    const stages = [parked(1, 'a'), parked(2, 'a'), parked(3, 'a')];
    expect(heldByBreaker(stages, new Set([1, 2, 3])).models.size).toBe(0);
    expect(heldByBreaker([...stages, parked(4, 'a')], new Set([1, 2, 3])).models.size).toBe(0);
  });
});
