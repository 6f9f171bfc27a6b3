import type { StageSpec } from '../experiment/stage-spec.ts';
import type { Execution } from '../experiment/sweep.ts';
import { type ClusterSettings, scaleOf } from '../jobs/kubernetes/cluster-settings.ts';
import type { JobSetup } from '../recovery/memory-ladder.ts';
import { firstSetup } from './first-setup.ts';

/** A pod's limit counts what an estimate leaves out: page tables, the allocator, files being written. */
const HEADROOM = 1.25;
const HEADROOM_BYTES = 64 * 2 ** 20;

/** As `firstSetup`, where the limit is held by the kernel: the sweep file comes first, then the scale's settings, then the estimate with headroom. */
export function clusterSetup(spec: StageSpec, asked: Execution['resources'], settings: ClusterSettings): JobSetup {
  const scale = scaleOf(settings, spec.model);
  const memoryBytes = asked.memoryBytes ?? scale.memory;
  const cores = asked.cores ?? scale.cores;
  const gpus = asked.gpus ?? scale.gpus;
  const wanted = {
    ...(cores !== undefined && { cores }),
    ...(gpus !== undefined && { gpus }),
    ...(memoryBytes !== undefined && { memoryBytes }),
  };
  const setup = firstSetup(spec, wanted, (settings.memoryLimit - HEADROOM_BYTES) / HEADROOM);
  if (memoryBytes !== undefined) return setup;
  const withHeadroom = Math.ceil(setup.resources.memoryBytes * HEADROOM) + HEADROOM_BYTES;
  return { ...setup, resources: { ...setup.resources, memoryBytes: Math.min(withHeadroom, settings.memoryLimit) } };
}
