import { lengthsOf } from '../experiment/sequence-lengths.ts';
import { trainerMemory } from '../experiment/stage-cost.ts';
import type { StageSpec } from '../experiment/stage-spec.ts';
import type { Execution } from '../experiment/sweep.ts';
import { isTextKind } from '../experiment/text-recipe.ts';
import type { JobSetup } from '../recovery/memory-ladder.ts';

/**
 * How a first attempt is set up: the whole batch in one pass where it is estimated to fit, otherwise the largest micro-batch that divides it and does; cores
 * as the sweep file says, one otherwise, because many stages side by side use a machine better than many threads in one.
 */
export function firstSetup(spec: StageSpec, asked: Execution['resources'], memoryLimit: number): JobSetup {
  const batch = spec.train?.batch ?? 1;
  const limit = asked.memoryBytes ?? memoryLimit;
  const recipe = spec.train?.data.recipe;
  const lengths = recipe && isTextKind(recipe.kind) ? lengthsOf(recipe) : undefined;
  const { score } = spec;
  const scored = score && { lengths: lengthsOf(score.data.recipe), maxNewTokens: score.maxNewTokens };
  const memoryOf = (microBatch: number) =>
    trainerMemory(spec.model, spec.train && { ...spec.train, batch: microBatch }, lengths, scored);
  let microBatch = batch;
  while (microBatch > 1 && (batch % microBatch !== 0 || memoryOf(microBatch) > limit)) microBatch -= 1;
  return {
    flags: { microBatch, accumulate: batch / microBatch, recompute: false },
    resources: {
      cores: asked.cores ?? 1,
      memoryBytes: asked.memoryBytes ?? Math.ceil(memoryOf(microBatch)),
      gpus: asked.gpus ?? 0,
    },
  };
}
