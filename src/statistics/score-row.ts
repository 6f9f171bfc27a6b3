import type { ExampleClass } from '../experiment/stage-spec.ts';

/** One example at one anchor of one training session of one run: a row of `tables/scores.parquet`. */
export interface ScoreRow {
  readonly run: string;
  /** Index of the training session in the run, from 0. */
  readonly session: number;
  readonly step: number;
  readonly example: string;
  readonly class: ExampleClass;
  readonly notion: string;
  readonly cluster: string;
  /** Response tokens, end token included. */
  readonly tokens: number;
  /** Natural logarithm, summed over the response tokens. */
  readonly sumLogProb: number;
  /** ROUGE-1 F of the greedy continuation against the response, 0–1. */
  readonly rouge1: number;
  readonly exactMatch: boolean;
}

/** One run of `tables/runs.json`. */
export interface RunRow {
  readonly run: string;
  readonly arm: string;
  readonly model: string;
  readonly family: string;
  readonly parameters: number;
  /** Non-embedding parameters: the x of the scale test. */
  readonly scaleParameters: number;
  readonly seed: number;
  readonly sessions: readonly SessionRow[];
}

export interface SessionRow {
  readonly index: number;
  readonly kind: 'pretrain' | 'align' | 'finetune' | 'review';
  /** Stage key. */
  readonly stage: string;
  /** Step at which training ended: the last anchor. */
  readonly lastStep: number;
  readonly stoppedBy: 'stop-rule' | 'step-limit';
}
