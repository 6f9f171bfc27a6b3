import type { Evidence, StageOverride } from '../recovery/evidence.ts';
import type { StageTrace } from './stage-trace.ts';

/** What is done to the files of the stage before its job starts or while it runs. */
export type Damage =
  /** run.json, as if something else had been asked: each path of names gets the value. */
  | { readonly kind: 'spec'; readonly fields: Readonly<Record<string, string | number>> }
  /** The weights that the stage starts from. */
  | { readonly kind: 'start weights'; readonly how: 'flip a bit' | 'take away' | 'never answer' }
  /** The newest writer may make no checkpoint. */
  | { readonly kind: 'checkpoints locked' }
  /** The volume has no byte left. Only on one that is this place's alone. */
  | { readonly kind: 'volume full' };

/** Sums of log-probabilities of one anchor, by example. */
export interface AnchorScores {
  readonly step: number;
  readonly sums: ReadonlyMap<string, number>;
}

/** A store of one row: a sweep whose last stage is disturbed. */
export interface DrillPlace {
  readonly storeId: string;
  /** Where the store is, for worker and jobs alike. */
  readonly path: string;
  /** Folder of the claim's volume that is mounted there. */
  readonly subPath: string;
  trace(): Promise<StageTrace>;
  evidence(): Promise<readonly Evidence[]>;
  override(said: Omit<StageOverride, 'sequence' | 'by' | 'at'>): Promise<void>;
  damage(damage: Damage): Promise<void>;
  /** Undoes every damage. */
  mend(): Promise<void>;
  scores(): Promise<readonly AnchorScores[]>;
  /** Stages whose result.json is there. */
  finishedStages(): Promise<number>;
}

/**
 * All that a drill reads and writes of stores. Mounted, it is a folder; a store that this machine does not see would be the same behind a service of the cluster.
 */
export interface DrillStore {
  /** Makes the place of a row, in which every stage of `after` but the disturbed one is finished already. `alone`: on the volume that holds nothing else. */
  place(
    name: string,
    options?: { readonly after?: DrillPlace | undefined; readonly alone?: boolean },
  ): Promise<DrillPlace>;
  /** Everything that was made is gone afterwards. */
  remove(): Promise<void>;
}
