import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from '@temporalio/worker';
import { statOf } from './artifacts/small-files.ts';
import type { Store } from './artifacts/store.ts';
import type { HealthCheck, HealthSources } from './http/health-server.ts';
import type { WorkerMetrics } from './http/worker-metrics.ts';
import type { ApiListener } from './jobs/kubernetes/api-client.ts';
import { rightFor } from './jobs/kubernetes/needed-rights.ts';
import type { Lethe } from './temporal/connection.ts';
import { freePorts } from './temporal/free-ports.ts';

export interface HealthParts {
  readonly worker: Pick<Worker, 'getState'>;
  readonly lethe: Lethe;
  readonly store: Store;
  readonly metrics: WorkerMetrics;
  /** `host:port` at which the SDK gives its own metrics; absent where it gives none. */
  readonly sdkMetrics?: string;
}

/** Kubelet asks every few seconds and waits for one. */
const CHECK_MS = 2_000;
const CHECKS_KEPT_MS = 5_000;

/** What the health server of a worker tells, from its real parts. */
export function healthSources(parts: HealthParts): HealthSources {
  let last: { readonly at: number; readonly checks: Promise<readonly HealthCheck[]> } | undefined;
  return {
    ailment: () => {
      const state = parts.worker.getState();
      return state === 'FAILED' || state === 'STOPPED' ? `the worker is ${state.toLowerCase()}` : undefined;
    },
    checks: () => {
      const now = performance.now();
      if (last === undefined || now - last.at > CHECKS_KEPT_MS) last = { at: now, checks: checkAll(parts) };
      return last.checks;
    },
    metrics: async () => {
      const { metrics, sdkMetrics } = parts;
      const [own, ofSdk] = await Promise.all([metrics.text(), sdkMetrics === undefined ? '' : textOf(sdkMetrics)]);
      return `${own}${ofSdk}`;
    },
  };
}

/** Counts requests by the right that they need and by the status of their answer. */
export function countApiCalls(metrics: WorkerMetrics): ApiListener {
  return {
    answered: (call, outcome) => {
      const { verb, resource } = rightFor(call);
      metrics.apiCall(verb, resource, String(outcome));
    },
  };
}

/** A port of the loopback for the SDK's own server of metrics, which cannot say which one it chose. */
export async function freeLoopbackAddress(): Promise<string> {
  const [port] = await freePorts([0]);
  return `127.0.0.1:${port}`;
}

function checkAll({ worker, lethe, store }: HealthParts): Promise<readonly HealthCheck[]> {
  const state = worker.getState();
  const working = state === 'RUNNING' ? {} : { trouble: `it is ${state.toLowerCase()}` };
  return Promise.all([
    { name: 'worker', ...working },
    check('temporal', lethe.client.workflowService.getSystemInfo({})),
    check('store', storeIsThere(store)),
  ]);
}

async function check(name: string, asked: Promise<unknown>): Promise<HealthCheck> {
  const late = sleep(CHECK_MS, LATE, { ref: false });
  const answer = await Promise.race([asked.then(() => undefined).catch(() => 'no answer'), late]);
  if (answer === undefined) return { name };
  return { name, trouble: answer === LATE ? `no answer within ${CHECK_MS / 1_000} s` : String(answer) };
}

const LATE = Symbol('late');

async function storeIsThere(store: Store): Promise<void> {
  if ((await statOf(join(store.path, 'store.json'))) === undefined) throw new Error('no store.json');
}

/** The SDK's half is left out when it cannot be had: ours still counts. */
async function textOf(address: string): Promise<string> {
  try {
    const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(CHECK_MS) });
    return answer.ok ? await answer.text() : '';
  } catch {
    return '';
  }
}
