import { dirname, join } from 'node:path';
import type { Store } from '../artifacts/store.ts';
import type { StoredSweep } from '../artifacts/stored-sweeps.ts';
import type { ParkedStage, SweepOutcome } from '../experiment/sweep-control.ts';
import type { SweepEnd } from '../temporal/sweep-client.ts';
import type { StoreAccess } from './access/store-access.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { shownPath } from './project-folder.ts';
import { connectIfUp, sweepLink } from './session.ts';
import type { Output } from './terminal/output.ts';
import { verdictLines } from './verdict-lines.ts';

interface Ended {
  readonly access: StoreAccess;
  readonly store: Store;
  readonly sweep: StoredSweep;
  readonly output: Output;
}

/** The last screen, the last JSON object and the exit code of a sweep that has ended. */
export async function tellSweepEnd({ access, store, sweep, output }: Ended, end: SweepEnd): Promise<ExitCode> {
  output.keepScreen();
  const connection = await connectIfUp(store);
  const ui = connection && sweepLink(connection, sweep.id);
  await connection?.close();
  if (!('outcome' in end)) return tellUnfinished(sweep, output, end.status, end.reason);

  const { outcome } = end;
  if (outcome.report !== undefined) await access.bringReport(sweep.id);
  const report = outcome.report === undefined ? undefined : join(store.path, outcome.report);
  output.line();
  const verdict = report === undefined || output.json ? [] : await verdictLines(dirname(report), output.width);
  for (const line of verdict) output.line(line);
  if (end.status === 'settled') tellParked(output, sweep, outcome);
  output.line();
  output.line(`jobs: ${outcome.jobsStarted} started, ${outcome.jobsReused} reused`);
  if (outcome.statisticsDigest !== undefined) output.line(`statistics: ${outcome.statisticsDigest}`);
  if (report !== undefined && verdict.length === 0) output.line(`report: ${shownPath(report)}`);
  if (ui !== undefined) output.line(`histories: ${ui}`);
  output.record({
    event: 'end',
    sweep: sweep.id,
    planHash: sweep.planHash,
    status: end.status,
    verdict: outcome.verdict ?? null,
    statisticsDigest: outcome.statisticsDigest ?? null,
    jobsStarted: outcome.jobsStarted,
    jobsReused: outcome.jobsReused,
    report: report ?? null,
    stages: outcome.stages,
    done: outcome.done,
    missingRuns: outcome.missingRuns,
    parked: outcome.parked,
    ui: ui ?? null,
  });
  return end.status === 'completed' ? EXIT.done : EXIT.incomplete;
}

function tellParked(output: Output, sweep: StoredSweep, { parked, missingRuns, done, stages }: SweepOutcome): void {
  output.line();
  output.line(
    output.paint(
      'bad',
      `Settled with ${done} of ${stages} stages done; ${missingRuns.length} runs are missing: ${shorten(missingRuns)}`,
    ),
  );
  for (const line of parkedLines(parked)) output.line(line);
  output.line(`To go on: lethe resume ${sweep.id}, or all at once: lethe retry ${sweep.id} --failed`);
}

/** What is parked, with the command that re-opens it. */
export function parkedLines(parked: readonly ParkedStage[]): string[] {
  return parked.flatMap((stage) => {
    const attempt = stage.attempt > 0 ? `, attempt ${stage.attempt}` : '';
    return [`  ${stage.label}${attempt}: ${stage.class}: ${stage.rule}`, `    ${stage.command}`];
  });
}

function tellUnfinished(
  sweep: StoredSweep,
  output: Output,
  status: 'cancelled' | 'terminated' | 'failed',
  reason: string,
): ExitCode {
  const goOn = `lethe resume ${sweep.id}`;
  output.line();
  output.line(
    output.paint(
      'bad',
      `${sweep.id} ${status === 'failed' ? 'failed by an error of Lethe' : `was ${status}`}: ${reason}`,
    ),
  );
  output.line(`What is finished stays. To go on: ${goOn}`);
  output.record({
    event: 'end',
    sweep: sweep.id,
    planHash: sweep.planHash,
    status,
    verdict: null,
    statisticsDigest: null,
    jobsStarted: null,
    jobsReused: null,
    report: null,
    reason,
    command: goOn,
  });
  return status === 'failed' ? EXIT.failure : EXIT.incomplete;
}

function shorten(names: readonly string[]): string {
  return names.length <= 6 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}
