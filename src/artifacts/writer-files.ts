/** The small files of a writer's folder, as the trainer leaves them (docs/formats.md). */

/** `from.json`: what this writer went on from. */
export interface WriterOrigin {
  /** `<attempt>/<writer>/step-000500`, or null for a fresh start. */
  readonly checkpoint: string | null;
  readonly step: number;
  readonly numerics: Readonly<Record<string, string | number>>;
  /** sha256 of the trainer. */
  readonly build: string;
}

/** `outcome.json`: written at every orderly end, success or not. */
export interface Outcome {
  readonly code: number;
  readonly sentence: string;
  readonly step: number;
  readonly stoppedBy?: 'stop-rule' | 'step-limit';
}

/** A line of `progress.jsonl`. */
export interface Progress {
  readonly step: number;
  readonly steps: number;
  /** Mean since the last line. */
  readonly loss: number;
  readonly learningRate: number;
  readonly gradientNorm: number;
  readonly tokensPerSecond: number;
  /** What its last checkpoint took to write; absent before the first. */
  readonly checkpointSeconds?: number;
  readonly residentBytes: number;
  /** Seconds since the epoch. */
  readonly time: number;
}

/** `step-000500`: zero-padded to six digits or more. */
export function stepFolder(step: number): string {
  return `step-${String(step).padStart(6, '0')}`;
}

/** The step of `step-000500` or `step-000500.jsonl`; undefined for any other name (a temporary folder, say). */
export function stepOf(name: string): number | undefined {
  const match = /^step-(\d{6,})(\.jsonl)?$/.exec(name);
  return match ? Number(match[1]) : undefined;
}
