import { describe, expect, it } from 'vitest';
import {
  lossTrace,
  passedOver,
  type StageTrace,
  stepsLost,
  timeToResumeMs,
  type WriterTrace,
  writesBesideSuccessor,
} from '../../src/drill/stage-trace.ts';
import type { Evidence } from '../../src/recovery/evidence.ts';

/** Points as [step, second, loss]. */
function writer(
  fromStep: number,
  points: readonly (readonly [number, number, number?])[],
  endStep?: number,
): WriterTrace {
  const progress = points.map(([step, second, loss]) => ({
    step,
    timeMs: second * 1_000,
    ...(loss !== undefined && { loss }),
  }));
  const end = endStep === undefined ? {} : { code: 70, endStep };
  const beganMs = (points[0]?.[1] ?? 0) * 1_000;
  return { attempt: 1, name: `from-${fromStep}`, beganMs, fromStep, checkpointStep: fromStep, progress, ...end };
}

const trace = (...writers: WriterTrace[]): StageTrace => ({
  attempts: [],
  writers,
  done: true,
  microBatchChanged: false,
});

describe('what the files of a stage tell of its way', () => {
  it('counts the steps that a successor does again', () => {
    expect(
      stepsLost(
        trace(
          writer(0, [
            [5, 1],
            [8, 2],
          ]),
          writer(5, [
            [5, 4],
            [10, 5],
          ]),
        ),
      ),
    ).toBe(3);
  });

  it('counts the last step that a trainer named at its end', () => {
    expect(stepsLost(trace(writer(0, [[5, 1]], 9), writer(5, [[5, 4]])))).toBe(4);
  });

  it('counts nothing that an old writer did beside its successor', () => {
    const both = trace(
      writer(
        0,
        [
          [5, 1],
          [6, 2],
          [30, 9],
        ],
        30,
      ),
      writer(5, [
        [5, 4],
        [10, 5],
      ]),
    );
    expect(stepsLost(both)).toBe(1);
    expect(writesBesideSuccessor(both)).toBe(true);
  });

  it('sees no writing side by side where one ended before the next began', () => {
    expect(writesBesideSuccessor(trace(writer(0, [[5, 1]]), writer(5, [[5, 4]])))).toBe(false);
  });

  it('has the time from a fault to the first step that is new', () => {
    const way = trace(
      writer(0, [
        [5, 1],
        [8, 2],
      ]),
      writer(5, [
        [5, 4],
        [6, 7],
      ]),
    );
    expect(timeToResumeMs(way, 3_000)).toBe(4_000);
    expect(timeToResumeMs(trace(writer(0, [[5, 1]])), 3_000)).toBeUndefined();
  });

  it('sums losses between checkpoints alike, wherever the lines stand and however often it was interrupted', () => {
    const straight = trace(
      writer(0, [
        [0, 0],
        [5, 1, 2],
        [10, 2, 1],
      ]),
    );
    const broken = trace(
      writer(0, [
        [0, 0],
        [2, 1, 3],
        [5, 2, 4 / 3],
        [7, 3, 1],
      ]),
      writer(5, [
        [5, 4],
        [8, 5, 1],
        [10, 6, 1],
      ]),
    );
    expect([...lossTrace(straight, 5)].sort()).toEqual([
      [10, 5],
      [5, 10],
    ]);
    expect([...lossTrace(broken, 5)].sort()).toEqual([
      [10, 5],
      [5, 10],
    ]);
  });

  describe('of the checkpoint that a successor had to go on from', () => {
    const EVERY = 5;
    const evidence = (checkpointStep: number, names: readonly string[]): Evidence => ({
      attempt: 1,
      outcome: 'failed',
      rule: '',
      sentence: '',
      checkpointStep,
      reachedStep: 0,
      writers: names.map((name) => ({ name, checkpointStep })),
      logTail: [],
      events: [],
      endedAt: '',
    });
    const newest = (way: StageTrace, known: readonly Evidence[] = []) =>
      passedOver(way, known, EVERY).map(({ newestStep }) => newestStep);

    it('believes what the worker saw at the end of the attempt before', () => {
      const second = (fromStep: number) => ({ ...writer(fromStep, [[fromStep, 4]]), attempt: 2 });
      const known = [evidence(10, ['from-0'])];
      expect(newest(trace(writer(0, [[10, 1]]), second(5)), known)).toEqual([10]);
      expect(newest(trace(writer(0, [[10, 1]]), second(10)), known)).toEqual([]);
    });

    it('believes what the worker saw of a pod that was replaced, when that pod was silent', () => {
      const known = [evidence(10, ['from-0'])];
      expect(newest(trace(writer(0, [[10, 1]]), writer(5, [[5, 4]])), known)).toEqual([10]);
      const wroteOn = writer(0, [
        [6, 1],
        [10, 9],
      ]);
      expect(newest(trace(wroteOn, writer(5, [[5, 4]])), known)).toEqual([]);
    });

    it('takes a due checkpoint for whole once a later step was told, in time for the successor to see it', () => {
      expect(newest(trace(writer(0, [[11, 1]]), writer(5, [[5, 4]])))).toEqual([10]);
      expect(newest(trace(writer(0, [[10, 1]]), writer(5, [[5, 4]])))).toEqual([]);
      expect(newest(trace(writer(0, [[11, 3.5]]), writer(5, [[5, 4]])))).toEqual([]);
    });
  });
});
