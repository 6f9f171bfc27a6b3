import { ActivityCancellationType, type ActivityOptions } from '@temporalio/workflow';

/** A job may take days; the heartbeat tells sooner whether its watcher lives. A watcher that was lost is replaced, and the new one adopts the job. */
export const ATTEMPT_ACTIVITY: ActivityOptions = {
  startToCloseTimeout: '365 days',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '15 seconds' },
  // The workflow is Cancelled only when the job has written its checkpoint and is gone.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};

/** Waits for stages that other workflows own; asking it to stop needs no answer. */
export const AWAIT_ACTIVITY: ActivityOptions = {
  startToCloseTimeout: '365 days',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '15 seconds' },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
};

/** Reads and writes of small files in the store. */
export const STORE_ACTIVITY: ActivityOptions = {
  startToCloseTimeout: '5 minutes',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '15 seconds' },
};

/** Tables, analysis and report: minutes of a thread's work, heartbeating from the main thread. */
export const FINISHING_ACTIVITY: ActivityOptions = {
  startToCloseTimeout: '1 day',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds', maximumAttempts: 5 },
};
