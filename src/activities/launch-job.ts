import { ApplicationFailure } from '@temporalio/activity';
import type { AttemptFolder } from '../artifacts/attempt-folder.ts';
import type { JobSpec } from '../artifacts/job-spec.ts';
import type { StageFolder, StageHistory } from '../artifacts/stage-folder.ts';
import type { Store } from '../artifacts/store.ts';
import { checkpointBytes } from '../experiment/stage-cost.ts';
import type { StageSpec } from '../experiment/stage-spec.ts';
import type { Execution } from '../experiment/sweep.ts';
import type { TrainStageInput } from '../experiment/sweep-control.ts';
import { type CheckpointCost, JobNameTaken, JobRefused, type JobWishes } from '../jobs/job-launcher.ts';
import { makeJobSpec } from '../jobs/make-job-spec.ts';
import type { AttemptEnd } from '../recovery/classify.ts';
import type { StageOverride } from '../recovery/evidence.ts';
import type { LedgerDecision } from '../recovery/ledger.ts';
import type { ActivityParts } from './activity-parts.ts';
import { decideNext } from './decide-next.ts';
import { makeData } from './make-data.ts';
import type { StageBeat } from './stage-beat.ts';

export type PreparedAttempt =
  | {
      readonly kind: 'attempt';
      readonly attempt: AttemptFolder;
      readonly job: JobSpec;
      /** False when it was found under way. */
      readonly isNew: boolean;
      /** Why it is over before it began: nothing is to be launched. */
      readonly end?: AttemptEnd;
    }
  | { readonly kind: 'park'; readonly decision: LedgerDecision & { readonly kind: 'park' } };

/** The attempt to work on: the one under way with the job that it was published with, otherwise what the ledger decides, published before it is used. */
export async function prepareAttempt(
  parts: ActivityParts,
  stage: StageFolder,
  input: TrainStageInput,
  execution: Execution,
  history: StageHistory,
  beat: StageBeat,
): Promise<PreparedAttempt> {
  const { open } = history;
  const published = await open?.job();
  if (open !== undefined && published !== undefined)
    return { kind: 'attempt', attempt: open, job: published, isNew: false };
  const spec = await specOf(parts, stage, input);
  const decision = decideNext(parts, execution, spec, history);
  if (decision.kind === 'park') return { kind: 'park', decision };
  const number = open?.number ?? decision.attempt;
  beat.now({ attempt: number, state: 'preparing', reason: 'data' });
  const end = await prepareData(parts.store, spec);
  const { checkpointEvery } = execution;
  const made = makeJobSpec({
    storeId: parts.store.id,
    key: stage.key,
    attempt: number,
    stageFolder: stage.path,
    trainer: parts.trainer,
    flags: decision.flags,
    resources: decision.resources,
    ...(checkpointEvery === undefined ? {} : { checkpointEvery }),
    annotations: { sweep: input.sweepId, stage: input.label },
  });
  const job = parts.launcher.complete?.(made, await wishesFor(stage, spec, history, decision)) ?? made;
  const attempt = stage.attempt(number);
  return { kind: 'attempt', attempt, job: await attempt.publishJob(job), isNew: true, ...(end && { end }) };
}

async function wishesFor(
  stage: StageFolder,
  spec: StageSpec,
  { evidence, overrides }: StageHistory,
  { avoidLastNode }: { readonly avoidLastNode: boolean },
): Promise<JobWishes> {
  const lastNode = avoidLastNode ? evidence.at(-1)?.node : undefined;
  return {
    model: spec.model,
    checkpoint: await checkpointCost(stage, spec),
    ...saidFor(overrides),
    ...(lastNode !== undefined && { avoidNode: lastNode }),
  };
}

async function checkpointCost(stage: StageFolder, { model, train }: StageSpec): Promise<CheckpointCost> {
  const bytes = checkpointBytes(model, train?.tuning);
  const told = await Promise.all((await stage.writers()).map((writer) => writer.progress()));
  const seconds = told.flatMap((progress) => progress?.checkpointSeconds ?? []);
  return { bytes, ...(seconds.length > 0 && { seconds: Math.max(...seconds) }) };
}

/** The image and queue that a person chose last; overrides come oldest first. */
function saidFor(overrides: readonly StageOverride[]): Pick<JobWishes, 'image' | 'queue'> {
  const image = overrides.findLast((each) => each.image !== undefined)?.image;
  const queue = overrides.findLast((each) => each.queue !== undefined)?.queue;
  return { ...(image !== undefined && { image }), ...(queue !== undefined && { queue }) };
}

/** Data that cannot be used fail the attempt like a job that cannot use them, so that every page and the ledger tell of it. */
async function prepareData(store: Store, spec: StageSpec): Promise<AttemptEnd | undefined> {
  try {
    for (const part of [spec.train, spec.score]) if (part !== undefined) await makeData(store, part.data);
    return undefined;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'DatasetError') throw error;
    return { kind: 'no-data', reason: error.message.replaceAll(`${store.path}/`, '') };
  }
}

/** Makes the job exist; idempotent. Returns how the attempt ended when it cannot even begin. */
export async function launchJob(parts: ActivityParts, job: JobSpec, beat: StageBeat): Promise<AttemptEnd | undefined> {
  beat.now({ attempt: job.attempt, state: 'preparing', reason: 'launch', job: job.name });
  try {
    await parts.launcher.launch(job);
    return undefined;
  } catch (error) {
    if (error instanceof JobNameTaken) return { kind: 'name-taken', reason: error.message };
    if (error instanceof JobRefused) return { kind: 'refused', reason: error.message };
    throw error;
  }
}

/** run.json; on a stage that nobody has touched, published from the plan of the sweep that asks. */
async function specOf(parts: ActivityParts, stage: StageFolder, input: TrainStageInput): Promise<StageSpec> {
  const { plan } = await parts.plans.of(input.sweepId);
  const planned = plan.stages[input.number];
  if (planned?.key !== stage.key) {
    throw ApplicationFailure.nonRetryable(
      `${input.sweepId}: expected stage ${input.number} of the plan to have key ${stage.key}, got ${planned?.key ?? 'no such stage'}`,
      'config',
    );
  }
  await stage.publishSpec(planned.spec);
  return planned.spec;
}
