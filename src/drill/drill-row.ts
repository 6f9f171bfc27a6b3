import type { FailureClass } from '../experiment/failure-classes.ts';
import type { Right } from '../jobs/kubernetes/needed-rights.ts';
import type { FaultName } from './fault-book.ts';

/** What the ledger did with a fault, as it shows in the stage's files. */
export const DRILL_ACTIONS = [
  /** The next attempt, from the newest checkpoint, set up as before. */
  'relaunched',
  /** The next attempt with half the micro-batch and twice the accumulation. */
  'next rung',
  /** A new pod within the attempt. */
  'replaced',
  /** Nothing: the same pod was watched to its end. */
  'watched on',
  /** Given up at once; went on when a person had mended the cause and said `retry`. */
  'parked',
] as const;
export type DrillAction = (typeof DRILL_ACTIONS)[number];

/** Rows beside each other, rows that need a node for themselves (one at a time), rows that everyone would feel (after all others). */
export type Lane = 'beside' | 'node' | 'alone';

/** One fault of the failure ledger and what has to become of it. Pure data: `fault` names who provokes it. */
export interface DrillRow {
  readonly name: string;
  /** What is done, for a person. */
  readonly what: string;
  readonly fault: FaultName;
  readonly lane: Lane;
  /** `cluster`: nodes, volumes or the control plane are touched, which no right in a namespace allows. */
  readonly access: 'namespace' | 'cluster';
  /** Beyond what a run needs. */
  readonly rights?: readonly Right[];
  readonly expected: Expectation;
}

export interface Expectation {
  /** Of the attempt that the fault ended; absent: no attempt failed. */
  readonly failure?: FailureClass;
  readonly action: DrillAction;
  /** The fault ends a program that had no time for a checkpoint: steps are lost, at most an interval and one. Otherwise none may be. */
  readonly mayLoseSteps?: true;
  /** Words of the attempt that the fault ended. */
  readonly sentence?: RegExp;
  /** Attempts that are over when the stage is parked; absent: as the budget of its class has it. */
  readonly attemptsWhenParked?: number;
  /** No attempt that failed ran on the node of the one before. */
  readonly otherNode?: true;
  /** The old pod was seen writing after its successor had begun. */
  readonly oldPodWritesOn?: true;
  /** The micro-batch changed, and with it the order of sums: statistics within the tolerance, and listed. */
  readonly withinTolerance?: true;
}
