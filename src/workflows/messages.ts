import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import {
  MESSAGES,
  type PauseAnswer,
  type PauseRequest,
  type ResumeRequest,
  type RetryAnswer,
  type RetryRequest,
  type SweepOverview,
} from '../experiment/sweep-control.ts';

/** Nothing new starts; with `now`, running jobs checkpoint and stop. */
export const pauseUpdate = defineUpdate<PauseAnswer, [PauseRequest]>(MESSAGES.pause);

/** Goes on after a pause or a breaker, and re-opens parked crash, stuck, I/O and device stages. */
export const resumeUpdate = defineUpdate<RetryAnswer, [ResumeRequest]>(MESSAGES.resume);

/** Re-opens the selected parked stages of any class. */
export const retryUpdate = defineUpdate<RetryAnswer, [RetryRequest]>(MESSAGES.retry);

export const overviewQuery = defineQuery<SweepOverview>(MESSAGES.overview);

/** Sent by the attempt of a canary stage, whose number it carries, when its first checkpoint is on disk. */
export const canaryPassedSignal = defineSignal<[number]>(MESSAGES.canaryPassed);
