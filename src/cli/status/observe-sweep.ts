import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '../../artifacts/store.ts';
import type { StoredSweep } from '../../artifacts/stored-sweeps.ts';
import type { ParkedStage } from '../../experiment/sweep-control.ts';
import { stageWorkflowId } from '../../experiment/workflow-ids.ts';
import type { Lethe } from '../../temporal/connection.ts';
import { describeStages, listStages, type StageRow } from '../../temporal/stage-rows.ts';
import { describeSweep, type SweepDescription, sweepOverview } from '../../temporal/sweep-client.ts';
import type { StoreAccess } from '../access/store-access.ts';
import { stoppedByHand } from '../embedded-worker.ts';
import { machineRate } from '../machine-rate.ts';
import { foldStatus, type LiveStage, type SweepPhase, type SweepStatus } from './sweep-status.ts';
import { TimeLeft } from './time-left.ts';

/** A query is answered by the worker; one that is down must not hold the screen. */
const OVERVIEW_MS = 2_000;

/** Looks at one sweep again and again: results in the store, workflows on the server. Without a connection it shows the store alone. */
export class SweepObserver {
  readonly #access: StoreAccess;
  readonly #store: Store;
  readonly #sweep: StoredSweep;
  #timeLeft: TimeLeft | undefined;
  readonly #done = new Set<number>();

  constructor(access: StoreAccess, store: Store, sweep: StoredSweep) {
    this.#access = access;
    this.#store = store;
    this.#sweep = sweep;
  }

  async observe(lethe: Lethe | undefined): Promise<SweepStatus> {
    const { plan, id, planHash } = this.#sweep;
    await this.#lookForResults();
    this.#timeLeft ??= new TimeLeft(this.#store, plan, (await machineRate()).flopsPerSecond);
    const timeLeft = this.#timeLeft;
    await timeLeft.learn(this.#done);
    const reference = { storeId: this.#store.id, sweepId: id };
    const described: SweepDescription =
      lethe === undefined ? { status: 'absent' } : await describeSweep(lethe, reference);
    const rows = lethe === undefined || described.status === 'absent' ? [] : await this.#rows(lethe, described);
    const told = lethe !== undefined && described.status === 'running' ? await this.#overview(lethe) : undefined;
    const parked: readonly ParkedStage[] = told?.parked ?? outcomeOf(described)?.parked ?? [];
    const held = new Set(parked.filter((stage) => stage.class === 'held by breaker').map((stage) => stage.number));
    const verdict = outcomeOf(described)?.verdict;
    const open = this.#phase(described, told?.phase === 'paused');
    const stopped = open === 'running' || open === 'paused' ? stoppedByHand(this.#store.path) : undefined;
    const phase = stopped === undefined ? open : 'stopped';
    const goOn = `to go on: lethe resume ${id}`;
    const reason = stopped
      ? `stopped by ${stopped.by} at ${stopped.at}; ${goOn}`
      : phase === 'paused'
        ? `paused; ${goOn}`
        : reasonOf(described, told?.held ?? []);
    return foldStatus({
      sweep: id,
      planHash,
      plan,
      phase,
      ...(reason === undefined ? {} : { reason }),
      ...(verdict === undefined ? {} : { verdict }),
      done: this.#done,
      live: new Map(
        rows.flatMap((row) => this.#numberOf(row.workflowId).map((number) => [number, liveOf(row)] as const)),
      ),
      parked,
      held,
      secondsLeft: (stage, beat) => timeLeft.secondsLeft(stage, beat),
      parallel: Math.max(1, rows.filter((row) => row.heartbeat?.state === 'running').length),
    });
  }

  /** A result never goes away, so only stages that lacked one are looked at. */
  async #lookForResults(): Promise<void> {
    await this.#access.bringResults(this.#sweep);
    await Promise.all(
      this.#sweep.plan.stages.map(async ({ number, key }) => {
        if (this.#done.has(number)) return;
        const there = await access(join(this.#store.stagesPath, key, 'result.json')).then(
          () => true,
          () => false,
        );
        if (there) this.#done.add(number);
      }),
    );
  }

  /** Own stages by the sweep's attribute; while it runs also those that another sweep makes for it. */
  async #rows(lethe: Lethe, described: SweepDescription): Promise<StageRow[]> {
    const own = await listStages(lethe, { storeId: this.#store.id, sweepId: this.#sweep.id });
    if (described.status !== 'running') return own;
    const known = new Set(own.map((row) => row.workflowId));
    const foreign = this.#sweep.plan.stages
      .filter((stage) => !this.#done.has(stage.number) && stage.parents.every((parent) => this.#done.has(parent)))
      .map((stage) => stageWorkflowId(this.#store.id, stage))
      .filter((id) => !known.has(id))
      .slice(0, 64);
    return [...own, ...(await describeStages(lethe, foreign))];
  }

  async #overview(lethe: Lethe) {
    const reference = { storeId: this.#store.id, sweepId: this.#sweep.id };
    const deadline = Date.now() + OVERVIEW_MS;
    try {
      return await lethe.client.withDeadline(deadline, () => sweepOverview(lethe, reference));
    } catch {
      return undefined; // No worker, or one that is busy: the list of workflows says most of it.
    }
  }

  #phase(described: SweepDescription, paused: boolean): SweepPhase {
    if (described.status === 'running') return paused ? 'paused' : 'running';
    if (this.#done.size === this.#sweep.plan.stages.length) return 'done';
    if (described.status === 'absent') return 'not started';
    const { status } = described.end;
    return status === 'completed' ? 'done' : status === 'terminated' ? 'cancelled' : status;
  }

  #numberOf(workflowId: string): number[] {
    this.#numbers ??= new Map(
      this.#sweep.plan.stages.map((stage) => [stageWorkflowId(this.#store.id, stage), stage.number]),
    );
    return [this.#numbers.get(workflowId) ?? []].flat();
  }
  #numbers: Map<string, number> | undefined;
}

function liveOf(row: StageRow): LiveStage {
  const { stage, workflowId, status, decision, heartbeat, trouble } = row;
  return {
    ...{ stage, workflowId, status, decision },
    ...(heartbeat === undefined ? {} : { heartbeat }),
    ...(trouble === undefined ? {} : { trouble }),
  };
}

function outcomeOf(described: SweepDescription) {
  if (described.status !== 'ended') return undefined;
  return 'outcome' in described.end ? described.end.outcome : undefined;
}

function reasonOf(described: SweepDescription, held: readonly string[]): string | undefined {
  if (described.status === 'ended' && 'reason' in described.end) return described.end.reason;
  return held.length > 0 ? `held by the breaker: ${held.join(', ')}` : undefined;
}
