import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFolder } from '../../../src/cli/project-folder.ts';
import { readClusterSettings, scaleOf } from '../../../src/jobs/kubernetes/cluster-settings.ts';
import { SPEC } from '../../artifacts/support/stage-world.ts';

const read = (folder: string) => readClusterSettings(join(projectFolder, 'k8s', folder, 'cluster.yaml'));
const WIDE = { ...SPEC.model, layers: 32, width: 4_096, heads: 32 };

describe('the settings that k8s/ brings', () => {
  it('queue jobs by the scale of their model', async () => {
    const settings = await read('overlays/kueue');
    expect(scaleOf(settings, SPEC.model).queue).toBe('lethe-small');
    expect(scaleOf(settings, WIDE).queue).toBe('lethe-large');
  });

  it('ask for devices by the scale of their model', async () => {
    const settings = await read('overlays/gpu');
    expect(scaleOf(settings, SPEC.model).gpus).toBe(1);
    expect(scaleOf(settings, WIDE).gpus).toBeGreaterThan(1);
  });

  it('leave the grace to what a checkpoint takes', async () => {
    for (const folder of ['base', 'overlays/gpu', 'overlays/kueue'])
      expect(scaleOf(await read(folder), WIDE).graceSeconds).toBeUndefined();
  });
});
