/** Columns of `scores.parquet`. A stage's own table lacks run and session: runs that share the stage share the table. */
export const STAGE_SCORE_COLUMNS = {
  step: 'INTEGER',
  example: 'VARCHAR',
  class: 'VARCHAR',
  notion: 'VARCHAR',
  cluster: 'VARCHAR',
  tokens: 'INTEGER',
  sumLogProb: 'DOUBLE',
  rouge1: 'DOUBLE',
  exactMatch: 'BOOLEAN',
} as const;

export const RUN_SCORE_COLUMNS = { run: 'VARCHAR', session: 'INTEGER', ...STAGE_SCORE_COLUMNS } as const;

type ValueOf = { VARCHAR: string; INTEGER: number; DOUBLE: number; BOOLEAN: boolean };
export type ColumnType = keyof ValueOf;

/** A row of a stage's table. */
export type StageScoreRow = {
  readonly [Name in keyof typeof STAGE_SCORE_COLUMNS]: ValueOf[(typeof STAGE_SCORE_COLUMNS)[Name]];
};

/** A row of a sweep's table. */
export type RunScoreRow = {
  readonly [Name in keyof typeof RUN_SCORE_COLUMNS]: ValueOf[(typeof RUN_SCORE_COLUMNS)[Name]];
};
