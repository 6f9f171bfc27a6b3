import type { ExampleClass } from '../experiment/stage-spec.ts';
import type { Interval } from './analysis.ts';

/** Mean over runs with its 95 % t interval between runs (null with one run). */
export interface RoundMean {
  readonly mean: number;
  readonly interval: Interval | null;
  readonly runs: number;
}

/** One round (a finetune session and the review after it) of one class at one scale. A score is the mean geometric-mean probability over all items of the class. */
export interface RoundMeasures {
  /** From 1. */
  readonly round: number;
  /** Score before the round's finetune session, at its end, and the largest on the way. */
  readonly start: RoundMean | null;
  readonly end: RoundMean;
  readonly peak: RoundMean;
  /** Steps until the score first reached half of the session's maximum (interpolated between anchors): relearning speed. */
  readonly stepsToHalf: RoundMean | null;
  /** 1 − steps to half ÷ steps to half in round 1, by run; null in round 1 and where round 1 took no step. */
  readonly savings: RoundMean | null;
  /** Score after the review of this round; null when the run has no such review. */
  readonly residual: RoundMean | null;
  /** Drop in nats per token over the review. */
  readonly natsLost: RoundMean | null;
}

export interface InterleavedClass {
  readonly class: ExampleClass;
  readonly rounds: readonly RoundMeasures[];
  /** Slope of the end score over rounds, t test on the slopes of the runs; null p with one run. */
  readonly endSlope: (RoundMean & { readonly p: number | null }) | null;
}

/** An arm with several rounds of finetuning and review, at one scale. */
export interface InterleavedArm {
  readonly arm: string;
  readonly model: string;
  readonly x: number;
  readonly seeds: readonly number[];
  readonly classes: readonly InterleavedClass[];
  /** Curve of each class over all sessions: `at` counts steps from the beginning of round 1, mean over runs. */
  readonly course: readonly {
    readonly class: ExampleClass;
    readonly points: readonly {
      readonly round: number;
      readonly sessionKind: 'finetune' | 'review';
      readonly step: number;
      readonly at: number;
      readonly mean: number;
      readonly runs: number;
    }[];
  }[];
}
