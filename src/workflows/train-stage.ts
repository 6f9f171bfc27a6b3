import {
  type ApplicationFailure,
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
import { decidedFailure } from './decided-failure.ts';
import { summaryText } from './summary-text.ts';

const { runAttempt } = proxyActivities<Activities>(ATTEMPT_ACTIVITY);

/** Attempts that make progress have no limit, so neither may the history that holds them. */
const EVENTS_PER_EXECUTION = 8_000;
const SHOWN_ATTEMPTS = 50;
const SENTENCE = 300;

type ParkReport = AttemptReport & { readonly next: 'park' };

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
      `| ${report.attempt} | **${report.class}** | ${report.rule} | ${report.reachedStep ?? '?'} | ${report.checkpointStep} | ${report.decision} |`,
    );
    setCurrentDetails(attemptsTable(input, told, report));
    if (report.next === 'park') {
      upsertSearchAttributes([stateAttribute('parked')]);
      throw parkedFailure(input, report);
    }
    upsertSearchAttributes([stateAttribute(report.afterMs > 0 ? 'waiting' : 'relaunch')]);
    if (report.afterMs > 0) {
      await sleep(report.afterMs, { summary: summaryText(`wait after ${report.decision}`) });
    }
    if (workflowInfo().historyLength > EVENTS_PER_EXECUTION) await continueAsNew<typeof trainStage>(input);
    summary = summaryText(
      `${input.label}: attempt ${report.attempt + 1} from step ${report.checkpointStep}, after ${report.class}`,
    );
  }
}

function parkedFailure(input: TrainStageInput, report: ParkReport): ApplicationFailure {
  const { attempt, rule } = report;
  const command = retryCommand(input);
  const detail: ParkedStage = {
    number: input.number,
    label: input.label,
    class: report.class,
    rule,
    sentence: report.sentence.slice(0, SENTENCE),
    attempt,
    command,
  };
  return decidedFailure(
    report.class,
    `${input.label} is parked. ${whyParked(report)} When the cause is mended: ${command}`,
    detail,
  );
}

function whyParked({ class: failure, rule, sentence, attempt, reachedStep, checkpointStep }: ParkReport): string {
  return `${failure} at step ${reachedStep ?? checkpointStep} of attempt ${attempt} (${rule}): ${sentence}.`;
}

function retryCommand(input: TrainStageInput): string {
  return `lethe retry ${input.sweepId}/${input.label}`;
}

function attemptsTable(input: TrainStageInput, rows: readonly string[], last: AttemptReport): string {
  const parked = last.next === 'park';
  return [
    `**${input.label}** ${parked ? 'is parked.' : 'goes on by itself.'}`,
    ...(parked ? ['', `When the cause is mended: \`${retryCommand(input)}\``] : []),
    '',
    '| attempt | class | rule | step | checkpoint | decision |',
    '|:--|:--|:--|--:|--:|:--|',
    ...rows.slice(-SHOWN_ATTEMPTS),
    // The frame that the UI makes for it is a line too short.
    '',
    '\u00a0',
  ].join('\n');
}
