import { type ClusterSettings, scaleOf } from '../jobs/kubernetes/cluster-settings.ts';
import type { LoadedSweep } from './load-sweep.ts';

/** A sentence where jobs of a cluster would hold GPUs that their trainer never touches; undefined where none would. */
export function idleDevices(
  { plan, sweep }: Pick<LoadedSweep, 'plan' | 'sweep'>,
  settings: ClusterSettings,
): string | undefined {
  const { gpus } = sweep.execution.resources;
  const asking = plan.models.filter(({ spec }) => (gpus ?? scaleOf(settings, spec).gpus ?? 0) > 0);
  if (asking.length === 0 || plan.stages.every(({ spec }) => spec.backend !== 'cpu')) return undefined;
  const names = asking.map(({ name }) => name).join(', ');
  return `jobs of ${names} ask for GPUs that stay idle: backend cpu trains on the cores of their node ("gpus: 0" asks for none)`;
}
