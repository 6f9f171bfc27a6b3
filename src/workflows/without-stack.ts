import type { ApplicationFailure } from '@temporalio/workflow';

/** A decision is no bug: without the places in our code, the reason is what a reader of the UI sees. */
export function withoutStack(failure: ApplicationFailure): ApplicationFailure {
  failure.stack = '';
  return failure;
}
