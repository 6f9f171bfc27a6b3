import type { Fault } from '../fault.ts';

export const NO_SUCH_IMAGE = 'localhost/lethe-drill/no-such-image:1';
const MORE_CORES_THAN_ANY_NODE = 100_000;

const waits: NonNullable<Fault['provoke']> = async (world) => {
  await world.until('a job', ({ attempts }) => attempts.length > 0);
  world.strike();
};

/** Enough for the cluster to say why; production waits for a quarter of an hour. */
const SOON_SECONDS = 5;

export const IMAGE_MISSING: Fault = {
  // Asked for, wherever the settings have it that images are there: what a mistyped name meets.
  settings: { imageSeconds: SOON_SECONDS, imagePullPolicy: 'IfNotPresent' },
  prepare: async ({ parts }) => parts.place.override({ image: NO_SUCH_IMAGE }),
  provoke: waits,
  mend: async ({ parts }) => ({ image: parts.image }),
};

export const UNSCHEDULABLE: Fault = {
  settings: { unschedulableSeconds: SOON_SECONDS },
  prepare: async ({ parts }) => parts.place.override({ resources: { cores: MORE_CORES_THAN_ANY_NODE } }),
  provoke: waits,
  mend: async () => ({ resources: { cores: 0.25 } }),
};
