/** What a fake job does, told by whoever writes the test. Times are real milliseconds. */
export interface FakeBehaviour {
  /** Waits so long for a place. */
  readonly queuedMs?: number;
  /** Its container takes so long to come up. */
  readonly startingMs?: number;
  /** What it waits for meanwhile, that only a person could bring. */
  readonly startingKind?: 'image' | 'unschedulable';
  /** Writes a checkpoint of this step when it starts, and says in progress.jsonl that it has got there. */
  readonly checkpointStep?: number;
  /** Runs until it is cancelled when absent. */
  readonly end?: FakeEnd;
  /** What it does when it is asked to stop; `checkpoint` (the default) ends with code 75. */
  readonly onStop?: 'checkpoint' | 'ignore';
}

export type FakeEnd =
  /** An orderly end with outcome.json; code 0 leaves the files of a whole stage behind. */
  | { readonly kind: 'exit'; readonly afterMs: number; readonly code: number; readonly sentence?: string }
  /** A death without a word. */
  | { readonly kind: 'die'; readonly afterMs: number; readonly signal: string; readonly outOfMemory?: boolean }
  /** The platform takes the job away and forgets it. */
  | { readonly kind: 'vanish'; readonly afterMs: number };

export const succeeds = (afterMs = 0): FakeBehaviour => ({ end: { kind: 'exit', afterMs, code: 0 } });
export const fails = (code: number, sentence: string, afterMs = 0): FakeBehaviour => ({
  end: { kind: 'exit', afterMs, code, sentence },
});
export const hangs = (): FakeBehaviour => ({});
