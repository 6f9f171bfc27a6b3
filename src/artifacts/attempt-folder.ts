import { join } from 'node:path';
import type { Evidence } from '../recovery/evidence.ts';
import type { JobSpec } from './job-spec.ts';
import type { Launched } from './launched.ts';
import { publishJson, readJson, readJsonIfThere } from './read-json.ts';
import { evidenceSchema, jobSpecSchema, launchedSchema, stopSchema } from './schemas.ts';
import { foldersIn, statOf, tailOf } from './small-files.ts';
import type { StageFolder } from './stage-folder.ts';
import type { StopRequest } from './stop-request.ts';
import type { Outcome } from './writer-files.ts';
import { WriterFolder } from './writer-folder.ts';

/** `attempts/<n>/`: one launch of a stage's job. */
export class AttemptFolder {
  readonly stage: StageFolder;
  readonly number: number;
  readonly path: string;

  constructor(stage: StageFolder, number: number) {
    this.stage = stage;
    this.number = number;
    this.path = join(stage.path, 'attempts', String(number));
  }

  /** `lethe-<store6>-<key12>-a<n>`: the job's name on every platform. */
  get jobName(): string {
    return `lethe-${this.stage.store.shortId}-${this.stage.shortKey}-a${this.number}`;
  }

  /** The job as it was asked for; undefined before the attempt was decided. */
  job(): Promise<JobSpec | undefined> {
    return readJsonIfThere<JobSpec>(join(this.path, 'job.json'), jobSpecSchema);
  }

  /** Publishes the job; returns the one that stands, which is the one to launch. */
  async publishJob(job: JobSpec): Promise<JobSpec> {
    return (await publishJson(join(this.path, 'job.json'), job, jobSpecSchema)).value;
  }

  launched(): Promise<Launched | undefined> {
    return readLaunched(this.path);
  }

  stop(): Promise<StopRequest | undefined> {
    return readStop(this.path);
  }

  /** Publishes the wish to stop, before any signal; returns the one that stands. */
  async publishStop(stop: StopRequest): Promise<StopRequest> {
    return (await publishJson(join(this.path, 'stop.json'), stop, stopSchema)).value;
  }

  /** The attempt is over when this is there. */
  evidence(): Promise<Evidence | undefined> {
    return readJsonIfThere<Evidence>(join(this.path, 'evidence.json'), evidenceSchema);
  }

  async publishEvidence(evidence: Evidence): Promise<Evidence> {
    return (await publishJson(join(this.path, 'evidence.json'), evidence, evidenceSchema)).value;
  }

  writer(name: string): WriterFolder {
    return new WriterFolder(this, name);
  }

  /** The writers of this attempt, oldest first. A folder is a writer from its from.json on. */
  async writers(): Promise<WriterFolder[]> {
    const found: { writer: WriterFolder; since: number }[] = [];
    for (const name of await foldersIn(this.path)) {
      const writer = this.writer(name);
      const since = (await statOf(join(writer.path, 'from.json')))?.mtimeMs;
      if (since !== undefined) found.push({ writer, since });
    }
    found.sort((a, b) => a.since - b.since || (a.writer.name < b.writer.name ? -1 : 1));
    return found.map(({ writer }) => writer);
  }

  /** The word of the newest writer that ended in an orderly way; a success of any writer comes first. */
  async outcome(known?: readonly WriterFolder[]): Promise<(Outcome & { readonly writer: string }) | undefined> {
    let last: (Outcome & { readonly writer: string }) | undefined;
    const writers = known ?? (await this.writers());
    for (const [index, writer] of writers.entries()) {
      const outcome = await writer.outcome();
      if (outcome?.code === 0) return { ...outcome, writer: writer.name };
      if (index === writers.length - 1 && outcome !== undefined) last = { ...outcome, writer: writer.name };
    }
    return last;
  }

  /** The last `lines` lines of log.txt; empty when the job has not said anything here. */
  async logTail(lines: number): Promise<string[]> {
    const text = await tailOf(this.logPath, 64 * 1024);
    return text === undefined
      ? []
      : text
          .split('\n')
          .filter((line) => line !== '')
          .slice(-lines);
  }

  get logPath(): string {
    return join(this.path, 'log.txt');
  }
}

/** `launched.json` of an attempt's folder; for launchers, which know the folder only. */
export function readLaunched(attemptFolder: string): Promise<Launched | undefined> {
  return readJsonIfThere<Launched>(join(attemptFolder, 'launched.json'), launchedSchema);
}

export function readStop(attemptFolder: string): Promise<StopRequest | undefined> {
  return readJsonIfThere<StopRequest>(join(attemptFolder, 'stop.json'), stopSchema);
}

export async function readJob(attemptFolder: string): Promise<JobSpec> {
  return readJson<JobSpec>(join(attemptFolder, 'job.json'), jobSpecSchema);
}
