import type { ForgettingAnalysis } from '../statistics/analysis.ts';
import type { RunRow } from '../statistics/score-row.ts';
import type { Provenance, ReportInput } from './report-input.ts';

export interface TablesOrigin {
  /** Name of the folder that holds the tables. */
  readonly name: string;
  readonly runs: readonly RunRow[];
  readonly policyGrammar: boolean;
  readonly provenance: Pick<Provenance, 'code' | 'versions' | 'reproduce'> & Partial<Provenance>;
  readonly exploratory?: string;
  readonly generatedAt: string;
}

/** The input of a report on tables that came alone (`lethe report --from-tables`): no plan, no attempts, stages as the tables name them. */
export function reportInputFromTables(analysis: ForgettingAnalysis, origin: TablesOrigin): ReportInput {
  const missing = analysis.missing.map((one) => ({
    run: one.run,
    arm: one.arm,
    model: one.run.split('.')[0] ?? one.run,
    seed: Number(/\.s(\d+)$/.exec(one.run)?.[1] ?? 0),
    state: 'missing' as const,
    reason: one.why,
    stages: [],
  }));
  const present = origin.runs.map((run) => ({
    run: run.run,
    arm: run.arm,
    model: run.model,
    seed: run.seed,
    state: 'done' as const,
    stages: run.sessions.map((session) => session.stage),
  }));
  const stages = new Map(
    origin.runs.flatMap((run) =>
      run.sessions.map((session) => [
        session.stage,
        {
          key: session.stage,
          label: `${run.model}.${session.kind}.s${run.seed}`,
          kind: session.kind,
          state: 'done' as const,
          steps: session.lastStep,
          stoppedBy: session.stoppedBy,
          reused: false,
          microBatchChanged: false,
          attempts: [],
        },
      ]),
    ),
  );
  return {
    sweep: origin.name,
    analysis,
    runs: [...missing, ...present],
    stages: [...stages.values()],
    policyGrammar: origin.policyGrammar,
    provenance: {
      seeds: [...new Set(origin.runs.map((run) => run.seed))].sort((a, b) => a - b),
      data: [],
      trainerBuilds: [],
      numerics: [],
      ...origin.provenance,
    },
    ...(origin.exploratory === undefined ? {} : { exploratory: origin.exploratory }),
    generatedAt: origin.generatedAt,
  };
}
