/** The classes of a failed attempt (docs/run-states.md): what the ledger counts, and whose budget a sweep may set. */
export const FAILURE_CLASSES = [
  'preempted',
  'out-of-memory',
  'crash',
  'stuck',
  'io',
  'device',
  'image',
  'unschedulable',
  'config',
  'data',
  'missing-input',
  'diverged',
] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];
