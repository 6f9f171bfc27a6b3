import { describe, expect, it } from 'vitest';
import { idleDevices } from '../../src/cli/idle-devices.ts';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import { parseClusterSettings } from '../../src/jobs/kubernetes/cluster-settings.ts';
import { sampleSweep } from '../experiment/sample-sweep.ts';

describe('GPUs that a trainer on the CPU would hold', () => {
  const sweep = sampleSweep();
  const { plan } = freezePlan(sweep);
  const said = (settings: object, gpus?: number) => {
    const { execution } = sweep;
    const asked = { ...sweep, execution: { ...execution, resources: { ...(gpus !== undefined && { gpus }) } } };
    return idleDevices(
      { plan, sweep: asked },
      parseClusterSettings({ image: 'x', store: { claim: 's' }, ...settings }, 'test'),
    );
  };

  it('are named with the models whose scale asks for them', () => {
    const names = plan.models.map(({ name }) => name).join(', ');
    expect(said({ scales: [{ upTo: '2B', gpus: 1 }] })).toMatch(new RegExp(`^jobs of ${names} ask for GPUs`));
  });

  it('are not spoken of where none is asked for', () => {
    expect(said({})).toBeUndefined();
    expect(said({ scales: [{ upTo: 1, gpus: 1 }] })).toBeUndefined();
    expect(said({ defaults: { gpus: 1 } }, 0)).toBeUndefined();
  });
});
