export const VERDICTS = [
  'SHARP',
  'GRADUAL',
  'METRIC-DEPENDENT',
  'NOT SUPPORTED',
  'INCONCLUSIVE',
  'UNDERPOWERED',
  'UNLEARNED',
  'INVALID',
] as const;
export type VerdictWord = (typeof VERDICTS)[number];

/** A rule that lowered the word, or that would have lowered it. */
export interface VerdictCap {
  readonly rule: string;
  /** Why, in a sentence. */
  readonly why: string;
  readonly from: VerdictWord;
  readonly to: VerdictWord;
}

/** `verdict.json`. Every text is generated from the decision table. */
export interface Verdict {
  readonly format: 'lethe-verdict/1';
  /** What the decision table says before caps. */
  readonly raw: VerdictWord;
  readonly verdict: VerdictWord;
  readonly caps: readonly VerdictCap[];
  /** Why, one sentence each, in the order of the decision table. */
  readonly reasons: readonly string[];
  /** The verdict in one sentence, with scales, seeds and span. */
  readonly sentence: string;
}
