import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/activities.ts';
import type { PlanPage, ScheduledRun, ScheduledStage, SweepControl } from '../activities/plan-page.ts';
import type { StageEnd } from '../activities/stage-end.ts';
import {
  MAX_PARALLEL,
  type OverrideRequest,
  type ScaleSweepInput,
  type SweepOutcome,
  type SweepOverview,
} from '../experiment/sweep-control.ts';
import { stageWorkflowId } from '../experiment/workflow-ids.ts';
import { FINISHING_ACTIVITY, STORE_ACTIVITY } from './activity-options.ts';
import { stateAttribute } from './attributes.ts';
import { heldByBreaker, isHeld } from './breaker.ts';
import { Canaries } from './canaries.ts';
import { runChild } from './child-stage.ts';
import { liveTable } from './live-table.ts';
import { canaryPassedSignal, overviewQuery, pauseUpdate, resumeUpdate, retryUpdate } from './messages.ts';
import { placeAfterEnd } from './place-after-end.ts';
import { selectedStages } from './selected-stages.ts';
import { settledFailure } from './settled-failure.ts';
import { StageBoard } from './stage-board.ts';
import { StagesElsewhere } from './stages-elsewhere.ts';
import { reopenedSummary, summaryText } from './summary-text.ts';
import { heldAsParked, overviewOf, parkedStages, withRuns } from './sweep-overview.ts';

const store = proxyActivities<Activities>(STORE_ACTIVITY);
const finishing = proxyActivities<Activities>(FINISHING_ACTIVITY);

/** A history ends at 51,200 events, and at 10,240 the server warns. */
const EVENTS_PER_EXECUTION = 8_000;
/** What may go away by itself, or was cured outside; the other classes need a person who says what changed. */
const RESUMED_CLASSES: ReadonlySet<string> = new Set([
  'crash',
  'stuck',
  'io',
  'device',
  'cancelled by hand',
  'internal',
]);

/**
 * The scheduler of one sweep. Starts ready stages within a window, goes on around parked ones, and, when nothing more can run, gathers, tests and reports:
 * Completed with the verdict when every stage is done, Failed (SweepSettled) with what is parked otherwise, Cancelled when asked, after its own stages have stopped.
 *
 * Truth is the plan and the store: whatever way it ended, starting it again goes on, and finished stages cost nothing. Stages that another sweep owns are
 * awaited, and taken over when they end without a result.
 */
export async function scaleSweep(input: ScaleSweepInput): Promise<SweepOutcome> {
  const sweep = new Sweep(input);
  sweep.listen();
  try {
    await sweep.load();
    for (;;) {
      await sweep.schedule();
      const outcome = await sweep.finish();
      await condition(allHandlersFinished);
      // A retry that came in meanwhile has made stages ready again.
      if (sweep.settled) return sweep.end(outcome);
    }
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => sweep.stopOwnStages());
    throw error;
  }
}

class Sweep {
  readonly #input: ScaleSweepInput;
  readonly #scope = CancellationScope.current();
  readonly #canaries: Canaries;
  readonly #elsewhere: StagesElsewhere;
  /** Own children, to be cancelled one by one on `pause --now`. */
  readonly #children = new Map<number, CancellationScope>();
  /** Own stages from before a continue-as-new: no handle is left of them, so they are cancelled by id. */
  readonly #carriedOwn: Set<number>;
  readonly #stoppedByPause = new Set<number>();
  /** How often a stage's workflow has ended without result or decision. */
  readonly #gone = new Map<number, number>();
  /** Stages that this sweep did not have to train. */
  readonly #reused: Set<number>;
  #board: StageBoard | undefined;
  #phase: SweepOverview['phase'] = 'loading';
  #control: SweepControl = { paused: false, lifted: [] };
  #jobsStarted: number;
  /** Children whose start the server has not confirmed. */
  #starting = 0;
  #changed = true;
  #broken: unknown;

  constructor(input: ScaleSweepInput) {
    this.#input = input;
    this.#canaries = new Canaries(input.schedule.canary, input.carried?.canariesPassed ?? []);
    this.#carriedOwn = new Set(input.carried?.own ?? []);
    this.#reused = new Set(input.carried?.reused ?? []);
    this.#jobsStarted = input.carried?.jobsStarted ?? 0;
    this.#elsewhere = new StagesElsewhere(
      input.sweepId,
      (settled) => {
        // What another sweep ended may have been taken over meanwhile.
        for (const { number, end } of settled) if (this.#board?.state(number) === 'elsewhere') this.#apply(number, end);
      },
      (error) => this.#break(error),
    );
  }

  listen(): void {
    setHandler(overviewQuery, () => withRuns(this.#overview(), this.#board, this.#held), {
      description: 'Counts, parked and held stages.',
    });
    setHandler(canaryPassedSignal, (number) => {
      this.#canaries.passed(number);
      this.#changed = true;
    });
    setHandler(
      pauseUpdate,
      async ({ now, by }) => {
        const board = await this.#loaded();
        await this.#say({ ...this.#control, paused: true }, by);
        const own = [...board.running, ...this.#carriedOwn];
        if (now) await this.#stop(own);
        return { running: own.map((number) => board.stage(number).label) };
      },
      { description: 'Nothing new starts; with `now`, running jobs checkpoint and stop.' },
    );
    setHandler(
      resumeUpdate,
      async ({ by }) => {
        const board = await this.#loaded();
        const meant = board.parked.flatMap(([{ number }, reason]) =>
          RESUMED_CLASSES.has(reason.class) ? [number] : [],
        );
        await this.#say({ paused: false, lifted: board.parked.map(([{ number }]) => number) }, by);
        return this.#reopen(meant, by);
      },
      { description: 'Goes on, and re-opens parked crash, stuck, I/O and device stages.' },
    );
    setHandler(
      retryUpdate,
      async ({ selection, overrides, by }) => {
        const board = await this.#loaded();
        const meant = [...selectedStages(board, selection)].sort((a, b) => a - b);
        await this.#say({ ...this.#control, lifted: board.parked.map(([{ number }]) => number) }, by);
        return this.#reopen(meant, by, overrides);
      },
      { description: 'Re-opens the selected parked stages.' },
    );
  }

  async load(): Promise<void> {
    const { sweepId, planHash, schedule, carried } = this.#input;
    const stages: ScheduledStage[] = [];
    const runs: ScheduledRun[] = [];
    for (let from: number | undefined = 0; from !== undefined; ) {
      const summary = `plan ${planHash.slice(0, 12)} and what is done${from === 0 ? '' : `, from entry ${from}`}`;
      const page: PlanPage = await store.readPlan.executeWithOptions({ summary }, [{ sweepId, planHash, from }]);
      stages.push(...page.stages);
      runs.push(...page.runs);
      if (page.control !== undefined) this.#control = page.control;
      from = page.next;
    }
    const board = new StageBoard(stages, runs, schedule.order);
    if (carried === undefined) for (const number of board.done) this.#reused.add(number);
    for (const number of this.#carriedOwn) {
      if (board.state(number) === 'waiting') {
        board.markElsewhere(number);
        continue;
      }
      // It ended between the two executions.
      this.#carriedOwn.delete(number);
      if (board.state(number) === 'done') this.#jobsStarted += 1;
    }
    this.#canaries.begin(board.done.map((number) => board.stage(number)));
    this.#board = board;
  }

  /** Returns when nothing runs and nothing can start. */
  async schedule(): Promise<void> {
    const board = await this.#loaded();
    for (;;) {
      await condition(() => this.#changed);
      this.#changed = false;
      if (this.#broken !== undefined) throw this.#broken;
      const full = workflowInfo().historyLength > (this.#input.continueAfterEvents ?? EVENTS_PER_EXECUTION);
      if (full && this.#starting === 0 && !this.settled) await this.#continueAsNew(board);
      if (!full) this.#startReady(board);
      // A burst of starts that meet other owners is awaited at once, not one by one.
      if (this.#starting === 0) this.#elsewhere.await(board.elsewhere.map((number) => board.stage(number)));
      this.#tell(this.#control.paused ? 'paused' : 'scheduling');
      if (!this.settled) continue;
      await condition(allHandlersFinished);
      if (this.settled) return;
      this.#changed = true;
    }
  }

  /** True when nothing runs and nothing can start. A paused sweep with something left to start waits for its `resume`. */
  get settled(): boolean {
    const board = this.#board;
    if (board === undefined || board.count('running') + board.count('elsewhere') > 0) return false;
    const held = this.#held;
    return !board.hasReady((stage) => !isHeld(held, stage));
  }

  async finish(): Promise<SweepOutcome> {
    const board = await this.#loaded();
    const { sweepId, planHash } = this.#input;
    this.#tell('analysing');
    const parked = [...parkedStages(sweepId, board), ...heldAsParked(sweepId, board, this.#held)];
    const counts = { jobsStarted: this.#jobsStarted, jobsReused: this.#reused.size };
    const gathered = await finishing.gatherForgetting.executeWithOptions(
      { summary: 'scores of all runs into tables' },
      [{ sweepId, planHash }],
    );
    const { wholeRuns, missingRuns, tablesDigest } = gathered;
    const summary = `${wholeRuns} runs: estimates and verdict`;
    const analysed = await finishing.analyse.executeWithOptions({ summary }, [
      { sweepId, planHash, wholeRuns, tablesDigest },
    ]);
    const { report } = await finishing.writeReport.executeWithOptions({ summary: 'report/index.html' }, [
      { sweepId, planHash, parked, analysed: analysed.verdict !== undefined },
    ]);
    return {
      sweepId,
      planHash,
      stages: board.stages.length,
      done: board.count('done'),
      ...counts,
      parked,
      missingRuns,
      ...analysed,
      report,
    };
  }

  end(outcome: SweepOutcome): SweepOutcome {
    this.#tell('ended', outcome.verdict);
    if (outcome.done === outcome.stages) return outcome;
    upsertSearchAttributes([stateAttribute('parked')]);
    throw settledFailure(outcome);
  }

  /** After a cancellation: returns when every stage that this sweep started has ended. */
  async stopOwnStages(): Promise<void> {
    const board = this.#board;
    if (board === undefined) return;
    await Promise.all([...this.#carriedOwn].map((number) => this.#cancelById(board, number)));
    await condition(() => this.#children.size === 0);
    this.#tell('ended');
  }

  #startReady(board: StageBoard): void {
    const window = Math.min(MAX_PARALLEL, Math.max(1, this.#input.schedule.parallel));
    const held = this.#held;
    while (!this.#control.paused && board.count('running') + this.#carriedOwn.size < window) {
      const stage = board.takeReady((each) => !isHeld(held, each) && this.#canaries.admits(each));
      if (stage === undefined) return;
      this.#start(board, stage);
    }
  }

  #start(board: StageBoard, stage: ScheduledStage): void {
    const { number } = stage;
    const scope = new CancellationScope();
    const announces = this.#canaries.started(stage);
    this.#children.set(number, scope);
    this.#starting += 1;
    const onStarted = () => {
      this.#starting -= 1;
      this.#changed = true;
    };
    scope
      .run(() => runChild(this.#input, stage, board.runsOf[number] ?? [], announces, onStarted))
      .then((end) => {
        this.#children.delete(number);
        if (end.kind === 'elsewhere') board.markElsewhere(number);
        else this.#apply(number, end);
        this.#changed = true;
      })
      .catch((error: unknown) => this.#break(error));
  }

  #apply(number: number, end: StageEnd): void {
    const board = this.#board;
    if (board === undefined || this.#scope.consideredCancelled) return;
    this.#changed = true;
    const stage = board.stage(number);
    const stoppedByPause = this.#stoppedByPause.delete(number);
    const carried = this.#carriedOwn.delete(number);
    const ends = (this.#gone.get(number) ?? 0) + 1;
    if (end.kind === 'gone') this.#gone.set(number, ends);
    if (end.kind === 'done') {
      if (end.elsewhere && !carried) this.#reused.add(number);
      else this.#jobsStarted += carried ? 1 : end.jobsStarted;
    }
    this.#canaries.ended(stage, end.kind === 'done');
    const place = placeAfterEnd(end, stoppedByPause, ends);
    if (place.state === 'done') board.markDone(number);
    else if (place.state === 'parked') board.markParked(number, place.reason);
    else board.markWaiting(number);
  }

  async #say(control: SweepControl, by: string): Promise<void> {
    this.#control = control;
    this.#changed = true;
    upsertSearchAttributes([stateAttribute(control.paused ? 'paused' : 'started')]);
    const summary = summaryText(`${by} said: ${control.paused ? 'pause' : 'go on'}`);
    await store.saveControl.executeWithOptions({ summary }, [{ sweepId: this.#input.sweepId, control, by }]);
  }

  async #reopen(meant: readonly number[], by: string, overrides?: OverrideRequest) {
    const board = await this.#loaded();
    const isParked = (number: number) => board.state(number) === 'parked';
    const parked = meant.filter(isParked);
    const untouched = meant.filter((number) => !isParked(number));
    const labels = (numbers: readonly number[]) => numbers.slice(0, 1_000).map((number) => board.stage(number).label);
    if (parked.length > 0) {
      const keys = parked.map((number) => board.stage(number).key);
      const summary = reopenedSummary(by, labels(parked));
      await store.reopenStages.executeWithOptions({ summary }, [{ keys, by, ...(overrides && { overrides }) }]);
    }
    for (const number of parked) {
      this.#gone.delete(number);
      if (isParked(number)) board.markWaiting(number);
    }
    this.#changed = true;
    return { reopened: labels(parked), untouched: labels(untouched) };
  }

  /** Cancels own stages; they come back as cancelled and wait. */
  async #stop(numbers: readonly number[]): Promise<void> {
    const board = await this.#loaded();
    const byId: Promise<void>[] = [];
    for (const number of numbers) {
      this.#stoppedByPause.add(number);
      const child = this.#children.get(number);
      if (child === undefined) byId.push(this.#cancelById(board, number));
      else child.cancel();
    }
    await Promise.all(byId);
  }

  async #cancelById(board: StageBoard, number: number): Promise<void> {
    const handle = getExternalWorkflowHandle(stageWorkflowId(this.#input.storeId, board.stage(number)));
    // It may have ended in between; then there is nothing to cancel.
    await handle.cancel().catch(() => {});
  }

  async #continueAsNew(board: StageBoard): Promise<never> {
    await condition(allHandlersFinished);
    return continueAsNew<typeof scaleSweep>({
      ...this.#input,
      carried: {
        own: [...board.running, ...this.#carriedOwn].sort((a, b) => a - b),
        canariesPassed: this.#canaries.passedModels,
        jobsStarted: this.#jobsStarted,
        reused: [...this.#reused],
      },
    });
  }

  async #loaded(): Promise<StageBoard> {
    await condition(() => this.#board !== undefined);
    return this.#board as StageBoard;
  }

  #break(error: unknown): void {
    this.#broken = error;
    this.#changed = true;
  }

  #tell(phase: SweepOverview['phase'], verdict?: string): void {
    this.#phase = phase;
    if (this.#board === undefined) return;
    const sweep = { ...this.#input, namespace: workflowInfo().namespace };
    setCurrentDetails(liveTable(sweep, this.#board, this.#overview(), verdict));
  }

  get #held() {
    return heldByBreaker(this.#board?.parked ?? [], new Set(this.#control.lifted));
  }

  #overview(): SweepOverview {
    const told = { phase: this.#phase, jobsStarted: this.#jobsStarted, jobsReused: this.#reused.size };
    return overviewOf(this.#input.sweepId, this.#board, this.#held, told);
  }
}
