import type { Fault } from '../fault.ts';

/** Between two checkpoints. */
const STEP = 12;

/** The trainer ends with 70 once, on its way. */
export const CRASH: Fault = {
  twist: { crashAt: STEP },
  provoke: async (world) => {
    await world.until('the crash', ({ writers }) => writers[0]?.code === 70);
    world.strike();
  },
};

/** The trainer ends with 70 at the same step, whenever it gets there: without progress the budget is used up. */
export const CRASH_FOR_GOOD: Fault = {
  twist: { crashAt: STEP, everyAttempt: true },
  provoke: CRASH.provoke!,
  mend: async ({ parts }) => {
    parts.launcher.twist = {};
    return undefined;
  },
};

/** A failed Job that is gone before anyone asked for it. */
export const JOB_GONE_BY_TTL: Fault = {
  twist: { crashAt: STEP },
  provoke: async (world) => {
    await world.firstCheckpoint();
    const { metadata } = await world.job();
    const body = { spec: { ttlSecondsAfterFinished: 0 } };
    await world.parts.api.call({ method: 'PATCH', path: `${world.path('jobs')}/${metadata.name}`, body });
    await CRASH.provoke?.(world);
  },
};
