import { describe, expect, it } from 'vitest';
import { leastMemory } from '../../src/cli/price-on-machine.ts';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import { trainerMemory } from '../../src/experiment/stage-cost.ts';
import { sampleSweep } from '../experiment/sample-sweep.ts';

describe('the least memory that a model of a plan needs', () => {
  it('is that of what is tuned: adapters need less than the whole model', () => {
    const lora = 'batch: 16\n  tuning: { kind: lora, rank: 1, alpha: 2, targets: [c_attn] }';
    const { plan } = freezePlan(sampleSweep(['batch: 16', lora]));
    for (const model of plan.models)
      expect(leastMemory(plan, model, undefined)).toBeLessThan(trainerMemory(model.spec, { batch: 1 }));
  });
});
