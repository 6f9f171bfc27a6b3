/** `result.json`: the stage is done. Published by collectStage after the winning lineage's files were checked against their digests. */
export interface StageResult {
  readonly format: 'lethe-result/1';
  readonly key: string;
  /** Attempt and writer that reached the end. */
  readonly attempt: number;
  readonly writer: string;
  readonly steps: number;
  readonly stoppedBy: 'stop-rule' | 'step-limit';
  /** Final weights; absent in a score stage. `path` is relative to the stage folder. */
  readonly weights?: FileDigest;
  readonly anchors: readonly (FileDigest & { readonly step: number; readonly rows: number })[];
  /** Checkpoints that the winning chain went on from, oldest first: `<attempt>/<writer>/step-000500`. */
  readonly lineage: readonly string[];
  readonly numerics: Readonly<Record<string, string | number>>;
  readonly trainerBuild: string;
  /** True when an out-of-memory step changed the micro-batch on the way: its rows are equal within a tolerance, not bit for bit. */
  readonly microBatchChanged: boolean;
  readonly collectedAt: string;
}

export interface FileDigest {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}
