import { digestOf } from '../experiment/canonical-json.ts';
import type { ForgettingAnalysis } from './analysis.ts';

/**
 * sha256 of the canonical JSON of an analysis. Every sum in it runs over rows ordered by key and every random draw depends on its number alone, so the
 * digest is equal under any order of rows, any sharding and any schedule of kills.
 */
export function statisticsDigest(analysis: ForgettingAnalysis): string {
  return digestOf(analysis);
}
