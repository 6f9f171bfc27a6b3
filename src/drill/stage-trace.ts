import type { Evidence, TrainerFlags } from '../recovery/evidence.ts';

/** What one trainer process left of its way. Times are milliseconds since the epoch. */
export interface WriterTrace {
  readonly attempt: number;
  readonly name: string;
  /** When it had chosen what it goes on from. */
  readonly beganMs: number;
  readonly fromStep: number;
  readonly checkpointStep: number;
  /** Lines of progress.jsonl, in order. */
  readonly progress: readonly ProgressPoint[];
  /** Of its orderly end. */
  readonly code?: number;
  readonly endStep?: number;
}

export interface ProgressPoint {
  readonly step: number;
  readonly timeMs: number;
  /** Mean since the point before; absent before the first update. */
  readonly loss?: number;
}

export interface AttemptTrace {
  readonly number: number;
  readonly flags: TrainerFlags;
  /** evidence.json is there. */
  readonly over: boolean;
}

/** A stage as its files tell it: attempts by number, writers in the order in which they began. */
export interface StageTrace {
  readonly attempts: readonly AttemptTrace[];
  readonly writers: readonly WriterTrace[];
  readonly done: boolean;
  readonly microBatchChanged: boolean;
}

/**
 * The most steps that a successor had to do again: what its predecessors had told when it began, less where it went on from. A trainer tells a line a second, one at each
 * checkpoint and one at an orderly end, so one that was killed had done at least these.
 */
export function stepsLost({ writers }: StageTrace): number {
  const lost = writers.slice(1).map((writer, index) => {
    const before = writers.slice(0, index + 1);
    const reached = Math.max(0, ...before.map((each) => reachedBefore(each, writer.beganMs)));
    return Math.max(0, reached - writer.fromStep);
  });
  return Math.max(0, ...lost);
}

/** A successor that went on from an older checkpoint than the newest that was whole when it began. */
export interface PassedOver {
  readonly writer: WriterTrace;
  readonly newestStep: number;
}

/**
 * Successors that passed the newest checkpoint over. What was whole is known from the worker, which looks for it at the end of each attempt, and from what predecessors
 * told: a step beyond a checkpoint that was due. One later than that is no fault: an old writer may have made it meanwhile.
 */
export function passedOver(trace: StageTrace, evidence: readonly Evidence[], every: number): PassedOver[] {
  return trace.writers.slice(1).flatMap((writer, index) => {
    const before = trace.writers.slice(0, index + 1);
    const newestStep = Math.max(
      0,
      ...evidence.filter(({ attempt }) => attempt < writer.attempt).map(({ checkpointStep }) => checkpointStep),
      ...before.map((each) => checkpointOfReplaced(each, writer, evidence)),
      ...before.map((each) => dueBefore(reachedBefore(each, writer.beganMs - LOOKING_MS), every)),
    );
    return writer.fromStep < newestStep ? [{ writer, newestStep }] : [];
  });
}

/** A successor chooses its checkpoint, reads it, and then says so: what an old writer makes in between it cannot know. */
const LOOKING_MS = 1_000;

/** The last checkpoint of a writer that was replaced within the attempt, where it was dead when its successor began. */
function checkpointOfReplaced(old: WriterTrace, successor: WriterTrace, evidence: readonly Evidence[]): number {
  const silent = old.progress.every(({ timeMs }) => timeMs <= successor.beganMs);
  if (old.attempt !== successor.attempt || !silent) return 0;
  const over = evidence.find(({ attempt }) => attempt === old.attempt);
  return over?.writers.find(({ name }) => name === old.name)?.checkpointStep ?? 0;
}

/** The newest checkpoint that a trainer has behind it: the one that is due at the step itself may not be whole yet. */
function dueBefore(reachedStep: number, every: number): number {
  return Math.floor(Math.max(0, reachedStep - 1) / every) * every;
}

/** From the fault to the first step of a successor that is new; undefined without one. */
export function timeToResumeMs({ writers }: StageTrace, faultAtMs: number): number | undefined {
  const firsts = writers.slice(1).flatMap(({ progress, fromStep }) => {
    const first = progress.find(({ step, timeMs }) => step > fromStep && timeMs > faultAtMs);
    return first === undefined ? [] : [first.timeMs - faultAtMs];
  });
  return firsts.length === 0 ? undefined : Math.min(...firsts);
}

/** A writer wrote on after its successor had begun. */
export function writesBesideSuccessor({ writers }: StageTrace): boolean {
  return writers.some((writer, index) => {
    const successor = writers[index + 1];
    const last = writer.progress.at(-1);
    return successor !== undefined && last !== undefined && last.timeMs > successor.beganMs;
  });
}

/**
 * The sum of losses up to each checkpoint along the writers that lead to the end. Two traces of one stage agree to the bit unless the micro-batch changed; between
 * checkpoints their lines stand at other steps, because those come by the clock.
 */
export function lossTrace({ writers }: StageTrace, every: number): ReadonlyMap<number, number> {
  const sums = new Map<number, number>();
  let from = Number.POSITIVE_INFINITY;
  for (const writer of writers.toReversed()) {
    let sum = 0;
    let at = writer.fromStep;
    for (const { step, loss } of writer.progress) {
      if (step <= at) continue;
      sum += (loss ?? 0) * (step - at);
      at = step;
      if (step % every !== 0) continue;
      if (step <= from) sums.set(step, sum);
      sum = 0;
    }
    from = Math.min(from, writer.fromStep);
  }
  return sums;
}

/** The step that a writer had done by then, as far as it has told. */
function reachedBefore({ progress, endStep = 0 }: WriterTrace, timeMs: number): number {
  const told = progress.filter((point) => point.timeMs <= timeMs);
  const ended = told.length === progress.length ? endStep : 0;
  return Math.max(0, ended, ...told.map(({ step }) => step));
}
