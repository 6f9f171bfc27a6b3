import { digestOf } from './canonical-json.ts';
import type { StageSpec } from './stage-spec.ts';

/**
 * The content address of a stage: sha256 of the canonical JSON of its spec, which is all that run.json holds. `spec.format` names the key
 * scheme. `fragments` remembers the text of objects that many specs share (recipes, models); give one to a loop, never change an object in it.
 */
export function stageKey(spec: StageSpec, fragments?: WeakMap<object, string>): string {
  return digestOf(spec, fragments);
}
