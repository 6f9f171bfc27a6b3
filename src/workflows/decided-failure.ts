import { ApplicationFailure } from '@temporalio/workflow';

/**
 * The end of a workflow by decision. Without a stack: the UI shows it before everything else, and it would lead to the line that decided, not to what happened.
 */
export function decidedFailure(type: string, message: string, detail: unknown): ApplicationFailure {
  const failure = ApplicationFailure.create({ type, message, details: [detail], nonRetryable: true });
  failure.stack = '';
  return failure;
}
