import { describe, expect, it } from 'vitest';
import { clusterSetup } from '../../src/activities/cluster-setup.ts';
import { trainerMemory } from '../../src/experiment/stage-cost.ts';
import { parseClusterSettings } from '../../src/jobs/kubernetes/cluster-settings.ts';
import { SPEC } from '../artifacts/support/stage-world.ts';

const settings = (written: object = {}) =>
  parseClusterSettings({ image: 'x', store: { claim: 'store' }, ...written }, 'test');
const MEBIBYTE = 2 ** 20;

describe('how a first attempt is set up in a cluster', () => {
  it('has more memory than the estimate, because the kernel holds the limit', () => {
    const { resources, flags } = clusterSetup(SPEC, {}, settings());
    const estimate = trainerMemory(SPEC.model, { batch: 4 });
    expect(flags).toEqual({ microBatch: 4, accumulate: 1, recompute: false });
    expect(resources.memoryBytes).toBeGreaterThan(estimate * 1.2 + 60 * MEBIBYTE);
    expect(resources).toMatchObject({ cores: 1, gpus: 0 });
  });

  it('takes the word of the sweep file before that of the scale, and that before the defaults', () => {
    const written = { defaults: { cores: 2, gpus: 1 }, scales: [{ upTo: '1M', cores: 3, memory: '1GiB' }] };
    expect(clusterSetup(SPEC, {}, settings(written)).resources).toEqual({ cores: 3, gpus: 1, memoryBytes: 2 ** 30 });
    expect(clusterSetup(SPEC, { cores: 5 }, settings(written)).resources).toMatchObject({ cores: 5, gpus: 1 });
  });

  it('takes a smaller micro-batch where the whole batch would not fit', () => {
    const wide = {
      ...SPEC,
      model: { ...SPEC.model, width: 512, feedForward: 2048 },
      train: { ...SPEC.train!, batch: 4096 },
    };
    const { flags, resources } = clusterSetup(wide, {}, settings({ memoryLimit: '512MiB' }));
    expect(flags.microBatch * flags.accumulate).toBe(4096);
    expect(flags.accumulate).toBeGreaterThan(1);
    expect(resources.memoryBytes).toBeLessThanOrEqual(512 * MEBIBYTE);
  });
});
