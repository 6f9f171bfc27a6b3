import { log } from '@temporalio/activity';
import type { JobSpec } from '../artifacts/job-spec.ts';
import type { TrainStageInput } from '../experiment/sweep-control.ts';
import type { AttemptReport } from './attempt-report.ts';
import type { FrozenPlans } from './frozen-plans.ts';

/** Runs named in one line; a stage that all share would otherwise name hundreds. */
const NAMED_RUNS = 8;

/** The lines that a worker's log has of an attempt, each with run, stage and attempt. Names and numbers, never what was trained on. */
export class AttemptLog {
  readonly #plans: FrozenPlans;
  readonly #input: TrainStageInput;

  constructor(plans: FrozenPlans, input: TrainStageInput) {
    this.#plans = plans;
    this.#input = input;
  }

  async launched({ attempt, name }: JobSpec): Promise<void> {
    log.info('job launched', { ...(await this.#fields(attempt)), job: name });
  }

  async ended(report: AttemptReport): Promise<void> {
    const fields = await this.#fields(report.attempt);
    if (report.next === 'done') return log.info('stage done', { ...fields, step: report.steps });
    const { class: failure, rule, reachedStep, next } = report;
    const said = { ...fields, class: failure, rule, ...(reachedStep !== undefined && { step: reachedStep }) };
    if (next === 'park') log.error('stage parked', said);
    else log.warn('attempt failed, the next follows', said);
  }

  async #fields(attempt: number) {
    const { sweepId: sweep, label: stage, number } = this.#input;
    const runs = await this.#plans.runsOfStage(sweep, number).catch(() => []);
    const more = runs.length > NAMED_RUNS ? [`and ${runs.length - NAMED_RUNS} more`] : [];
    return { sweep, stage, run: [...runs.slice(0, NAMED_RUNS), ...more].join(' '), attempt };
  }
}
