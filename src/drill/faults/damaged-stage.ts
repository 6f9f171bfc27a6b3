import type { Damage } from '../drill-store.ts';
import type { Fault } from '../fault.ts';

/** The stage's files are damaged before its job starts, and mended when the stage was parked for it. */
export function parkedByDamage(damage: Damage): Fault {
  return {
    prepare: async ({ parts }) => parts.place.damage(damage),
    provoke: async (world) => {
      await world.until('a job', ({ attempts }) => attempts.length > 0);
      world.strike();
    },
    mend: async ({ parts }) => {
      await parts.place.mend();
      return undefined;
    },
  };
}

/** The same for what the ledger tries again: mended as soon as the first attempt is over. */
export function retriedAfterDamage(damage: Damage): Fault {
  return {
    prepare: async ({ parts }) => parts.place.damage(damage),
    provoke: async (world) => {
      await world.firstEvidence();
      world.strike();
      await world.parts.place.mend();
    },
  };
}

/** More than a processor can address: refused however much memory the node promises. */
const TOO_LARGE: Damage = {
  kind: 'spec',
  fields: {
    'model.layers': 1_024,
    'model.width': 65_536,
    'model.heads': 1_024,
    'model.keyValueHeads': 1_024,
    'model.feedForward': 262_144,
    'model.context': 1_048_576,
    'model.vocabulary': 1_048_576,
  },
};

export const ALLOCATION_REFUSED = retriedAfterDamage(TOO_LARGE);

/** Refused on every rung of the memory ladder. */
export const ALLOCATION_REFUSED_FOR_GOOD = parkedByDamage(TOO_LARGE);

const OTHER_BACKEND: Damage = { kind: 'spec', fields: { backend: 'cuda' } };

export const NO_DEVICE = retriedAfterDamage(OTHER_BACKEND);

/** On no node that the cluster has. */
export const NO_DEVICE_FOR_GOOD = parkedByDamage(OTHER_BACKEND);

export const OTHER_NUMERICS = parkedByDamage({ kind: 'spec', fields: { numerics: 999_999 } });

/** Each step multiplies the weights by a million: over before the first checkpoint. */
export const DIVERGING = parkedByDamage({
  kind: 'spec',
  fields: {
    'train.optimizer.learningRate': 1_000,
    'train.optimizer.weightDecay': 1_000,
    'train.optimizer.clipNorm': 0,
  },
});

export const WEIGHTS_DAMAGED = parkedByDamage({ kind: 'start weights', how: 'flip a bit' });

export const WEIGHTS_GONE = parkedByDamage({ kind: 'start weights', how: 'take away' });

/** Each attempt stands still before its first step: without progress the budget is used up. */
export const WEIGHTS_NEVER_COME: Fault = {
  ...parkedByDamage({ kind: 'start weights', how: 'never answer' }),
  stallMs: 3_000,
};

/** Damage that a running trainer meets at its next checkpoint. */
function whileRunning(damage: Damage): NonNullable<Fault['provoke']> {
  return async (world) => {
    await world.firstCheckpoint();
    world.strike();
    await world.parts.place.damage(damage);
    await world.until('the end of the first trainer', ({ writers }) => writers[0]?.code !== undefined);
    await world.parts.place.mend();
  };
}

export const CHECKPOINTS_LOCKED: Fault = { provoke: whileRunning({ kind: 'checkpoints locked' }) };

export const VOLUME_FULL: Fault = { needs: 'small volume', provoke: whileRunning({ kind: 'volume full' }) };
