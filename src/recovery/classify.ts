import type { FailureClass } from '../experiment/failure-classes.ts';
import type { Evidence } from './evidence.ts';

/** What is known of an attempt that has ended: the launcher's word, the trainer's own, and ours. */
export interface AttemptFacts {
  /** How the watch ended. */
  readonly end: AttemptEnd;
  /** What the platform knows (`JobLauncher.platformEvidence`); absent when there was no job to ask about. */
  readonly platform?: {
    readonly exitCode?: number;
    readonly signal?: string;
    readonly outOfMemory: boolean;
    readonly preempted: boolean;
    readonly lastWords?: string;
  };
  /** outcome.json of the newest writer, or of the one that succeeded. */
  readonly outcome?: { readonly code: number; readonly sentence: string };
  /** stop.json. */
  readonly stop?: {
    readonly by: string;
    readonly why: string;
    readonly charge: 'none' | 'class';
    readonly failure?: FailureClass;
  };
  /** result.json exists. */
  readonly done: boolean;
  /** Why collecting refused the files of a trainer that said it was done. */
  readonly refused?: string;
}

export type AttemptEnd =
  | { readonly kind: 'ended' }
  | { readonly kind: 'lost'; readonly reason: string }
  /** Its name belongs to a job that is not ours. */
  | { readonly kind: 'name-taken'; readonly reason: string }
  /** The platform will never take this job. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Its dataset cannot be made, or is not what its digest says; there was no job. */
  | { readonly kind: 'no-data'; readonly reason: string }
  /** It waited past its deadline for an image or for a place that does not exist. */
  | { readonly kind: 'never-started'; readonly failure: 'image' | 'unschedulable'; readonly reason: string };

export type Classification = Pick<Evidence, 'outcome' | 'failure' | 'rule' | 'sentence'>;

/** What the trainer's exit codes mean (docs/run-states.md); any other code is a crash. */
const CLASS_OF_CODE: Readonly<Record<number, FailureClass>> = {
  65: 'data',
  66: 'missing-input',
  69: 'device',
  70: 'crash',
  74: 'io',
  75: 'preempted',
  78: 'config',
  80: 'out-of-memory',
  81: 'diverged',
};

/** How an attempt ended and why, by the first rule that holds. Our own stop comes before the trainer's word, the trainer's word before the platform's. */
export function classify(facts: AttemptFacts): Classification {
  const { end, platform, outcome, stop, refused } = facts;
  if (facts.done || (outcome?.code === 0 && refused === undefined)) {
    const rule = outcome?.code === 0 ? 'outcome.json says code 0' : 'result.json exists';
    return { outcome: 'succeeded', rule, sentence: outcome?.sentence ?? 'another attempt had finished the stage' };
  }
  if (stop?.charge === 'none') return { outcome: 'stopped', rule: `stop.json by ${stop.by}`, sentence: stop.why };
  if (stop !== undefined) return failed(stop.failure ?? 'stuck', `stop.json by ${stop.by}, charged`, stop.why);
  if (refused !== undefined) return failed('crash', 'the files of a finished trainer were refused', refused);
  if (outcome !== undefined) return byCode(outcome.code, 'outcome.json', outcome.sentence);
  if (end.kind === 'name-taken') return failed('config', 'the name of the job is taken', end.reason);
  if (end.kind === 'refused') return failed('config', 'the platform refused the job', end.reason);
  if (end.kind === 'no-data') return failed('data', 'its dataset cannot be used', end.reason);
  if (end.kind === 'never-started') return failed(end.failure, 'the job never started', end.reason);
  if (platform?.outOfMemory)
    return failed('out-of-memory', 'killed by the kernel for memory', withoutWord('was killed for memory'));
  if (platform?.preempted) {
    const why = end.kind === 'lost' ? end.reason : 'its machine took it away';
    return failed('preempted', 'taken away by the platform', withoutWord(`was taken away: ${why}`));
  }
  if (end.kind === 'lost') return failed('preempted', 'the job is gone without a result', end.reason);
  if (platform?.signal !== undefined)
    return failed('crash', `ended by ${platform.signal}`, withoutWord(`was ended by ${platform.signal}`));
  if (platform?.exitCode === 0)
    return failed('crash', 'exit code 0 without outcome.json', withoutWord('exited with code 0'));
  if (platform?.exitCode !== undefined) {
    const { exitCode, lastWords } = platform;
    return byCode(exitCode, 'the exit code', lastWords ?? withoutWord(`exited with code ${exitCode}`));
  }
  return failed('crash', 'dead without outcome.json', withoutWord('died, and its exit code is not known'));
}

function byCode(code: number, source: string, sentence: string): Classification {
  const failure = CLASS_OF_CODE[code];
  const unasked = failure === 'preempted' ? ', and nobody of ours asked for it' : '';
  return failed(
    failure ?? 'crash',
    `${source} says code ${code}${failure === undefined ? ', unknown' : unasked}`,
    sentence,
  );
}

function failed(failure: FailureClass, rule: string, sentence: string): Classification {
  return { outcome: 'failed', failure, rule, sentence };
}

function withoutWord(what: string): string {
  return `the trainer ${what} before it could say why`;
}
