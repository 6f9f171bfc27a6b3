import { setTimeout as sleep } from 'node:timers/promises';
import { isLocal } from '../artifacts/launched.ts';
import { NoStore, Store } from '../artifacts/store.ts';
import type { Lethe } from '../temporal/connection.ts';
import { runningEmbeddedServer } from '../temporal/embedded-server.ts';
import { isAlive } from '../temporal/process-identity.ts';
import { openAttempts } from './stop-everything.ts';

export interface IdleWatchOptions {
  /** True while something is going on. A failure to find out counts as going on. */
  readonly isBusy: () => Promise<boolean>;
  /** False when the store was removed under its processes: they end at once. */
  readonly storeExists: () => Promise<boolean>;
  readonly idleMs: number;
  readonly lookEveryMs: number;
  readonly signal: AbortSignal;
  readonly now?: () => number;
}

/** Resolves with the reason once nothing has gone on for `idleMs`, or the store is gone; with undefined when `signal` fires first. */
export async function whenIdle(options: IdleWatchOptions): Promise<string | undefined> {
  const now = options.now ?? Date.now;
  let since = now();
  while (!options.signal.aborted) {
    if (!(await options.storeExists())) return 'the store is gone';
    const busy = await options.isBusy().catch(() => true);
    if (busy) since = now();
    else if (now() - since >= options.idleMs) return `nothing to do for ${Math.round(options.idleMs / 60_000)} min`;
    await sleep(options.lookEveryMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
  return undefined;
}

/** False when the store was removed, or another one stands in its place. An unreadable one counts as there. */
export async function storeExists(store: Store): Promise<boolean> {
  try {
    return (await Store.open(store.path)).id === store.id;
  } catch (error) {
    return !(error instanceof NoStore);
  }
}

/** A living job, or an open workflow with a pending activity or timer: a paused sweep that only waits for a word is not busy. */
export async function isBusy(store: Store, lethe: Lethe): Promise<boolean> {
  for (const attempt of await openAttempts(store)) {
    const launched = await attempt.launched();
    if (launched !== undefined && isLocal(launched) && isAlive(launched)) return true;
  }
  if (runningEmbeddedServer(store.path) === undefined) return false;
  for await (const { workflowId, runId } of lethe.client.workflow.list({ query: 'ExecutionStatus = "Running"' })) {
    const handle = lethe.client.workflow.getHandle(workflowId, runId);
    const { raw } = await handle.describe();
    if ((raw.pendingActivities?.length ?? 0) > 0 || raw.pendingWorkflowTask) return true;
    const { events } = await handle.fetchHistory();
    const timers = new Set<string>();
    for (const event of events ?? []) {
      const started = event.timerStartedEventAttributes?.timerId;
      const ended = event.timerFiredEventAttributes?.timerId ?? event.timerCanceledEventAttributes?.timerId;
      if (started) timers.add(started);
      if (ended) timers.delete(ended);
    }
    if (timers.size > 0) return true;
  }
  return false;
}
