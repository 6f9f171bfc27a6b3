import type { StageKind } from './stage-spec.ts';

/** The one task queue of a store's worker: `lethe-<store6>`. Made here only, because a misspelt queue is a dead one. */
export function taskQueue(storeId: string): string {
  return `lethe-${store6(storeId)}`;
}

/** The owner of a stage, from the key alone: two sweeps that need the same stage meet in one workflow. */
export function stageWorkflowId(storeId: string, stage: { readonly kind: StageKind; readonly key: string }): string {
  return `${store6(storeId)}/${stage.kind}~${stage.key.slice(0, 12)}`;
}

/** `sweepId` is `<name>~<plan12>` (plan.ts). */
export function sweepWorkflowId(storeId: string, sweepId: string): string {
  return `${store6(storeId)}/${sweepId}`;
}

/** Of something that a store's worker does once: `freeze~<sweep>`, `collect-garbage`. */
export function errandWorkflowId(storeId: string, errand: string): string {
  return `${store6(storeId)}/${errand}`;
}

/** Kubernetes' and the process table's name of one attempt of a stage. */
export function jobName(storeId: string, key: string, attempt: number): string {
  return `lethe-${store6(storeId)}-${key.slice(0, 12)}-a${attempt}`;
}

function store6(storeId: string): string {
  if (!/^[0-9a-f]{6,}$/.test(storeId)) {
    throw new TypeError(`expected a store id of at least 6 hex digits, got "${storeId}"; see store.json`);
  }
  return storeId.slice(0, 6);
}
