import type { Plan, PlanStage } from '../../experiment/plan.ts';
import type { ParkedStage } from '../../experiment/sweep-control.ts';
import type { StageHeartbeat } from '../../temporal/stage-heartbeat.ts';

/** Worst first: the order of every list of runs. */
export const STAGE_STATES = [
  'parked',
  'held',
  'cancelled',
  'unreachable',
  'waiting',
  'stopping',
  'paused',
  'queued',
  'starting',
  'running',
  'preparing',
  'collecting',
  'ready',
  'blocked',
  'done',
] as const;
export type StageState = (typeof STAGE_STATES)[number];

/** What is known of a stage of a sweep at one moment. */
export interface StageStatus {
  readonly number: number;
  readonly key: string;
  readonly label: string;
  readonly kind: PlanStage['kind'];
  readonly state: StageState;
  readonly attempt?: number;
  readonly step?: number;
  readonly steps?: number;
  readonly loss?: number;
  readonly tokensPerSecond?: number;
  readonly checkpoint?: number;
  /** When it was written (ISO 8601). */
  readonly checkpointAt?: string;
  /** Process, or pod and node, of a running job. */
  readonly where?: string;
  /** Seconds until its training ends at the present rate. */
  readonly secondsLeft?: number;
  /** Why it waits, or why it gave up. */
  readonly reason?: string;
  /** What to type to go on, for a stage that gave up. */
  readonly command?: string;
  readonly workflowId?: string;
}

/** A run shows the first of its stages that is not done. */
export interface RunStatus {
  readonly run: string;
  readonly state: StageState;
  /** `2/3`: the stage that it is at. */
  readonly position: string;
  readonly stage: StageStatus;
}

/** `stopped` = open, but `lethe stop` has ended the worker and the jobs. */
export const SWEEP_PHASES = [
  'not started',
  'running',
  'paused',
  'stopped',
  'done',
  'settled',
  'cancelled',
  'failed',
] as const;
export type SweepPhase = (typeof SWEEP_PHASES)[number];

export interface SweepStatus {
  readonly sweep: string;
  readonly planHash: string;
  readonly phase: SweepPhase;
  readonly stages: { readonly total: number; readonly done: number; readonly active: number; readonly parked: number };
  readonly runs: { readonly total: number; readonly done: number };
  /** Share of the planned work that is done, 0–1. */
  readonly share: number;
  readonly tokensPerSecond: number;
  readonly secondsLeft?: number;
  /** Worst first. */
  readonly rows: readonly RunStatus[];
  readonly verdict?: string;
  /** Why the phase is what it is, where that needs words. */
  readonly reason?: string;
}

/** A stage's workflow as the server shows it. */
export interface LiveStage {
  readonly stage: string;
  readonly workflowId: string;
  readonly status: 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'other';
  readonly decision: string;
  readonly heartbeat?: StageHeartbeat;
  readonly trouble?: string;
}

export interface Observation {
  readonly sweep: string;
  readonly planHash: string;
  readonly plan: Plan;
  readonly phase: SweepPhase;
  readonly reason?: string;
  readonly verdict?: string;
  /** Numbers of the stages whose result is in the store. */
  readonly done: ReadonlySet<number>;
  /** By stage number. */
  readonly live: ReadonlyMap<number, LiveStage>;
  readonly parked: readonly ParkedStage[];
  readonly held: ReadonlySet<number>;
  /** Seconds left of a stage in flight, and of one not begun. */
  readonly secondsLeft: (stage: PlanStage, heartbeat: StageHeartbeat | undefined) => number | undefined;
  readonly parallel: number;
}

/** The sweep's status from what the store and the server say. Pure. */
export function foldStatus(seen: Observation): SweepStatus {
  const stages = seen.plan.stages.map((stage) => stageStatus(stage, seen));
  const rows = seen.plan.runs.map((run): RunStatus => {
    const at = run.stages.findIndex((number) => stages[number]!.state !== 'done');
    const index = at < 0 ? run.stages.length - 1 : at;
    const stage = stages[run.stages[index]!]!;
    return { run: run.id, state: stage.state, position: `${index + 1}/${run.stages.length}`, stage };
  });
  rows.sort((a, b) => STAGE_STATES.indexOf(a.state) - STAGE_STATES.indexOf(b.state) || compareText(a.run, b.run));

  const work = seen.plan.stages.map((stage) => stageWork(seen.plan, stage));
  const total = sum(work);
  const finished = sum(work.map((amount, number) => amount * shareDone(stages[number]!)));
  const active = stages.filter((stage) => ACTIVE.has(stage.state));
  const secondsLeft = sweepSecondsLeft(seen, stages);
  return {
    sweep: seen.sweep,
    planHash: seen.planHash,
    phase: seen.phase,
    stages: {
      total: stages.length,
      done: seen.done.size,
      active: active.length,
      parked: stages.filter((stage) => stage.state === 'parked' || stage.state === 'held').length,
    },
    runs: { total: rows.length, done: rows.filter((row) => row.state === 'done').length },
    share: total === 0 ? 1 : finished / total,
    tokensPerSecond: sum(active.map((stage) => stage.tokensPerSecond ?? 0)),
    ...(secondsLeft === undefined ? {} : { secondsLeft }),
    rows,
    ...(seen.verdict === undefined ? {} : { verdict: seen.verdict }),
    ...(seen.reason === undefined ? {} : { reason: seen.reason }),
  };
}

const ACTIVE: ReadonlySet<StageState> = new Set([
  'unreachable',
  'waiting',
  'stopping',
  'queued',
  'starting',
  'running',
  'preparing',
  'collecting',
]);

function stageStatus(stage: PlanStage, seen: Observation): StageStatus {
  const { number, key, label, kind } = stage;
  const base = { number, key, label, kind };
  if (seen.done.has(number)) return { ...base, state: 'done' };
  const parked = seen.parked.find((each) => each.number === number);
  if (parked !== undefined) {
    const state = seen.held.has(number) ? 'held' : parked.class === 'cancelled by hand' ? 'cancelled' : 'parked';
    return {
      ...base,
      state,
      reason: `${parked.class}: ${parked.rule}`,
      command: parked.command,
      attempt: parked.attempt,
    };
  }
  const live = seen.live.get(number);
  if (live?.status === 'running') {
    const status = liveStatus(stage, live, seen);
    if (seen.phase !== 'stopped') return { ...base, ...status };
    // Its heartbeats are of before the stop.
    const { reason: _, secondsLeft: __, tokensPerSecond: ___, ...left } = status;
    return { ...base, ...left, state: 'paused' };
  }
  const open = seen.phase === 'running' || seen.phase === 'paused' || seen.phase === 'stopped';
  if (live?.status === 'failed')
    return { ...base, state: open ? 'waiting' : 'parked', reason: 'its workflow has ended as Failed' };
  if (live !== undefined && live.status !== 'completed' && !open)
    return { ...base, state: 'cancelled', workflowId: live.workflowId };
  const parentsDone = stage.parents.every((parent) => seen.done.has(parent));
  return {
    ...base,
    state: !parentsDone ? 'blocked' : seen.phase === 'running' || seen.phase === 'not started' ? 'ready' : 'paused',
  };
}

function liveStatus(
  stage: PlanStage,
  live: LiveStage,
  seen: Observation,
): Omit<StageStatus, 'number' | 'key' | 'label' | 'kind'> {
  const { heartbeat: beat, trouble, workflowId, decision } = live;
  const secondsLeft = seen.secondsLeft(stage, beat);
  // What an earlier try ran into is over once the job runs.
  const reason = beat?.state === 'running' ? beat.reason : (trouble ?? beat?.reason);
  const state: StageState =
    beat !== undefined ? beat.state : decision === 'waiting' || decision === 'relaunch' ? 'waiting' : 'preparing';
  return {
    state,
    workflowId,
    ...(beat === undefined ? {} : { attempt: beat.attempt }),
    ...(beat?.step === undefined ? {} : { step: beat.step }),
    ...(beat?.steps === undefined ? {} : { steps: beat.steps }),
    ...(beat?.loss === undefined ? {} : { loss: beat.loss }),
    ...(beat?.tokensPerSecond === undefined ? {} : { tokensPerSecond: beat.tokensPerSecond }),
    ...(beat?.checkpoint === undefined ? {} : { checkpoint: beat.checkpoint }),
    ...(beat?.checkpointAt === undefined ? {} : { checkpointAt: beat.checkpointAt }),
    ...(beat?.where === undefined ? {} : { where: beat.where }),
    ...(secondsLeft === undefined ? {} : { secondsLeft }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Work of a stage in parameter passes: comparable between the stages of one plan, nothing more. */
export function stageWork(plan: Plan, stage: PlanStage): number {
  const parameters = plan.models.find((model) => model.name === stage.model)?.parameters ?? 1;
  const train = stage.spec.train;
  return parameters * (train === undefined ? 1 : 3 * train.batch * train.steps);
}

function shareDone(stage: StageStatus): number {
  if (stage.state === 'done') return 1;
  return stage.step === undefined || !stage.steps ? 0 : Math.min(1, stage.step / stage.steps);
}

/** Everything that can still run, spread over what runs at once; undefined while nothing was measured. */
function sweepSecondsLeft(seen: Observation, stages: readonly StageStatus[]): number | undefined {
  if (seen.phase !== 'running') return undefined;
  let total = 0;
  let longest = 0;
  for (const stage of seen.plan.stages) {
    const status = stages[stage.number]!;
    if (status.state === 'done' || status.state === 'parked' || status.state === 'held' || status.state === 'cancelled')
      continue;
    const seconds = status.secondsLeft ?? seen.secondsLeft(stage, undefined);
    if (seconds === undefined) return undefined;
    total += seconds;
    longest = Math.max(longest, seconds);
  }
  return Math.max(longest, total / Math.max(1, seen.parallel));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function compareText(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
