import { setTimeout as sleep } from 'node:timers/promises';
import type { SweepCensus, SweepOutcome, SweepOverview } from '../experiment/sweep-control.ts';
import type { Lethe } from './connection.ts';
import { describeSweep, sweepOverview } from './sweep-client.ts';

/** The answer comes from the worker; one that replays a long history must not hold the scrape. */
const OVERVIEW_MS = 3_000;

/** Counts the sweeps of a store that are open, and those that ended with parked stages: what a person may have to do with. */
export class SweepCensusTaker {
  readonly #lethe: Lethe;
  readonly #store: { readonly id: string; readonly shortId: string };
  /** By run id: an execution that has ended stays as it is. */
  readonly #ended = new Map<string, SweepCensus | undefined>();

  constructor(lethe: Lethe, store: { readonly id: string; readonly shortId: string }) {
    this.#lethe = lethe;
    this.#store = store;
  }

  async take(): Promise<SweepCensus[]> {
    const newest = new Map<string, { readonly runId: string; readonly running: boolean; readonly since: number }>();
    const prefix = `${this.#store.shortId}/`;
    const query = `WorkflowType = "scaleSweep" AND WorkflowId STARTS_WITH "${prefix}"`;
    for await (const { workflowId, runId, status, startTime } of this.#lethe.client.workflow.list({ query })) {
      const since = startTime.getTime();
      if (since < (newest.get(workflowId)?.since ?? 0)) continue;
      newest.set(workflowId, { runId, running: status.name === 'RUNNING', since });
    }
    const counted = await Promise.all(
      [...newest].map(([workflowId, { runId, running }]) => {
        const sweepId = workflowId.slice(prefix.length);
        return running ? this.#open(sweepId) : this.#over(sweepId, runId);
      }),
    );
    return counted.filter((sweep) => sweep !== undefined);
  }

  async #open(sweepId: string): Promise<SweepCensus | undefined> {
    const overview = sweepOverview(this.#lethe, { storeId: this.#store.id, sweepId }).catch(() => undefined);
    const told = await Promise.race([overview, sleep(OVERVIEW_MS, undefined, { ref: false })]);
    return told && { sweep: sweepId, stages: stagesOf(told), runs: told.runs ?? {} };
  }

  async #over(sweepId: string, runId: string): Promise<SweepCensus | undefined> {
    if (this.#ended.has(runId)) return this.#ended.get(runId);
    const described = await describeSweep(this.#lethe, { storeId: this.#store.id, sweepId });
    // Started again meanwhile: the next census has it.
    if (described.status !== 'ended' || described.runId !== runId) return undefined;
    const { end } = described;
    const counted = end.status === 'settled' ? settledCounts(sweepId, end.outcome) : undefined;
    this.#ended.set(runId, counted);
    return counted;
  }
}

function stagesOf({ done, running, waiting, blocked, parked, held }: SweepOverview): Record<string, number> {
  const free = Math.max(0, waiting - blocked - held.length);
  return { done, running: running.length, waiting: free, blocked, parked: parked.length, held: held.length };
}

function settledCounts(sweep: string, { stages, done, parked, missingRuns }: SweepOutcome): SweepCensus {
  const blocked = Math.max(0, stages - done - parked.length);
  return { sweep, stages: { done, parked: parked.length, blocked }, runs: { parked: missingRuns.length } };
}
