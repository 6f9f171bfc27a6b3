import type { ModelSpec } from './stage-spec.ts';

/** What a store's worker is asked to do with its files by whoever cannot reach them: names and data that cross into workflows and out. */

export interface FreezeRequest {
  /** `<name>~<plan12>` as the asker made it. */
  readonly sweepId: string;
  readonly planHash: string;
  /** Of the sweep file where it was read: named in problems. */
  readonly path: string;
  /** The sweep file. */
  readonly text: string;
  /** Specs of the models that the plan has and no store: the asker's own, which the worker may not know. */
  readonly models: Readonly<Record<string, ModelSpec>>;
}

export interface GarbageRequest {
  readonly dryRun: boolean;
}

export interface GarbageFound {
  /** The first thousand. Paths in the store. */
  readonly found: readonly { readonly path: string; readonly bytes: number; readonly why: string }[];
  readonly bytes: number;
  readonly freed: number;
}

/** Type of the failure when the plan that the worker makes is not the one that was asked for. */
export const OTHER_PLAN = 'other plan';
