import { setTimeout as sleep } from 'node:timers/promises';
import type { SweepSchedule } from '../experiment/sweep-control.ts';
import { sweepWorkflowId } from '../experiment/workflow-ids.ts';
import type { Lethe } from './connection.ts';
import { exportHistories, hasHistory } from './history-export.ts';
import { describeSweep, startAgain } from './sweep-client.ts';

/** The sweeps of a store, as far as a keeper needs them. */
export interface KeptStore {
  readonly id: string;
  sweepIds(): Promise<readonly string[]>;
  sweepPath(sweepId: string): string;
}

const LOOK_EVERY_MS = 10_000;
/** The last look does not keep a worker from ending when the server is gone. */
const LAST_LOOK_MS = 5_000;

/** The code and the history no longer agree: a new release, and no fault of the sweep. */
const REPLAY_FAILURE = /TMPRL1100|nondeterminism|determinism ?violation/i;

/**
 * What a store's worker does beside its tasks, for each execution of a sweep that has ended: it copies the histories into the store, so that a new server, or a
 * lost one, loses nothing; and it starts the sweep again when all that ended it was another release of Lethe.
 */
export class SweepKeeper {
  readonly #lethe: Lethe;
  readonly #store: KeptStore;
  readonly #seen = new Set<string>();

  constructor(lethe: Lethe, store: KeptStore) {
    this.#lethe = lethe;
    this.#store = store;
  }

  /** Looks until `signal` fires, and once more then. An outage of the server only delays it. */
  async keep(signal: AbortSignal): Promise<void> {
    const ended = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    while (!signal.aborted) {
      await Promise.race([this.look().catch(() => {}), ended]);
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    }
    await Promise.race([this.look().catch(() => {}), sleep(LAST_LOOK_MS, undefined, { ref: false })]);
  }

  /** Looks once at every sweep of the store. */
  async look(): Promise<{ readonly copied: number; readonly startedAgain: readonly string[] }> {
    let copied = 0;
    const startedAgain: string[] = [];
    for (const sweepId of await this.#store.sweepIds()) {
      const workflowId = sweepWorkflowId(this.#store.id, sweepId);
      const query = `WorkflowId = ${JSON.stringify(workflowId)} AND ExecutionStatus != "Running"`;
      const ended: string[] = [];
      for await (const { runId } of this.#lethe.client.workflow.list({ query })) {
        if (!this.#seen.has(runId)) ended.push(runId);
      }
      if (ended.length === 0) continue;
      if (await this.#startAgainAfterRelease(sweepId)) startedAgain.push(sweepId);
      copied += await this.#copyHistories(sweepId, workflowId, ended);
      for (const runId of ended) this.#seen.add(runId);
    }
    return { copied, startedAgain };
  }

  async #copyHistories(sweepId: string, workflowId: string, ended: readonly string[]): Promise<number> {
    const folder = `${this.#store.sweepPath(sweepId)}/history`;
    const there = await Promise.all(ended.map((runId) => hasHistory(folder, workflowId, runId)));
    if (there.every((each) => each)) return 0;
    return (await exportHistories(this.#lethe, { storeId: this.#store.id, sweepId }, folder)).exported;
  }

  async #startAgainAfterRelease(sweepId: string): Promise<boolean> {
    const sweep = { storeId: this.#store.id, sweepId };
    const described = await describeSweep(this.#lethe, sweep);
    if (described.status !== 'ended' || described.end.status !== 'failed') return false;
    if (!REPLAY_FAILURE.test(described.end.reason)) return false;
    const { memo } = await this.#lethe.client.workflow.getHandle(described.workflowId).describe();
    const { planHash, schedule } = (memo ?? {}) as { planHash?: string; schedule?: SweepSchedule };
    if (planHash === undefined) return false;
    await startAgain(this.#lethe, { ...sweep, planHash, ...(schedule && { schedule }) });
    return true;
  }
}
