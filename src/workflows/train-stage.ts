import {
  ApplicationFailure,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/activities.ts';
import type { AttemptReport } from '../activities/attempt-report.ts';
import type { ParkedStage, TrainStageInput, TrainStageOutcome } from '../experiment/sweep-control.ts';
import { ATTEMPT_ACTIVITY } from './activity-options.ts';
import { stateAttribute } from './attributes.ts';

const { runAttempt } = proxyActivities<Activities>(ATTEMPT_ACTIVITY);

/** Attempts that make progress have no limit, so neither may the history that holds them. */
const EVENTS_PER_EXECUTION = 8_000;

/**
 * The one owner of a stage. Launches attempts until the stage has its result or its ledger gives up: Completed with the result's digest, Failed with class, rule
 * and the command that goes on (ApplicationFailure, type = class), Cancelled when asked, its job stopped after a checkpoint.
 *
 * It remembers nothing: attempts, overrides and result are in the store, so ending it in any way and starting it again is safe; a job that runs is adopted.
 */
export async function trainStage(input: TrainStageInput): Promise<TrainStageOutcome> {
  let jobsStarted = 0;
  const told: string[] = [];
  let summary = `${input.label}: launch, watch, collect`;
  for (;;) {
    const report: AttemptReport = await runAttempt.executeWithOptions({ summary }, [input]);
    if (report.launched) jobsStarted += 1;
    if (report.next === 'done') {
      const { attempt, steps, resultDigest } = report;
      return { key: input.key, attempt, steps, resultDigest, jobsStarted };
    }
    told.push(
      `| ${report.attempt} | ${report.class} | ${report.rule} | ${report.checkpointStep} | ${report.decision} |`,
    );
    setCurrentDetails(attemptsTable(input, told));
    if (report.next === 'park') {
      upsertSearchAttributes([stateAttribute('parked')]);
      throw parkedFailure(input, report);
    }
    upsertSearchAttributes([stateAttribute(report.afterMs > 0 ? 'waiting' : 'relaunch')]);
    if (report.afterMs > 0) {
      await sleep(report.afterMs, { summary: cut(`${report.class}: ${report.decision}`) });
    }
    if (workflowInfo().historyLength > EVENTS_PER_EXECUTION) await continueAsNew<typeof trainStage>(input);
    summary = cut(
      `${input.label}: attempt ${report.attempt + 1} from step ${report.checkpointStep}, after ${report.class}`,
    );
  }
}

function parkedFailure(input: TrainStageInput, report: AttemptReport & { readonly next: 'park' }): ApplicationFailure {
  const command = `lethe retry ${input.sweepId}/${input.label}`;
  const detail: ParkedStage = {
    number: input.number,
    label: input.label,
    class: report.class,
    rule: report.rule,
    attempt: report.attempt,
    command,
  };
  return ApplicationFailure.create({
    message: `${input.label} gave up after attempt ${report.attempt}: ${report.class} (${report.rule}). ${report.sentence} To go on: ${command}`,
    type: report.class,
    nonRetryable: true,
    details: [detail],
  });
}

function attemptsTable(input: TrainStageInput, rows: readonly string[]): string {
  return [
    `**${input.label}**, key \`${input.key}\``,
    '',
    '| attempt | class | rule | checkpoint | decision |',
    '|---|---|---|---|---|',
    ...rows.slice(-50),
  ].join('\n');
}

/** A summary holds 200 bytes; class, rule and label are ASCII. */
function cut(text: string): string {
  return text.length <= 190 ? text : `${text.slice(0, 189)}…`;
}
