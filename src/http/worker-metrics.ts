import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { SweepCensus } from '../experiment/sweep-control.ts';

/** How an attempt ended, as far as it is counted. */
export interface AttemptEnding {
  readonly next: 'done' | 'relaunch' | 'park';
  /** Failure class, when it failed. */
  readonly class?: string;
  readonly checkpointStep?: number;
  readonly reachedStep?: number;
}

/** What is asked for when the metrics are read. */
export interface MetricSources {
  readonly census: () => Promise<readonly SweepCensus[]>;
  /** Of the volume that holds the store. */
  readonly freeBytes: () => Promise<number>;
}

interface WatchedJob {
  attempt: number;
  state: string;
  /** Milliseconds of this process's clock. */
  lookedAt: number;
  launchedAt: number | undefined;
}

const QUEUE_WAIT_BUCKETS = [1, 5, 15, 60, 300, 900, 3_600, 4 * 3_600, 24 * 3_600];
const CENSUS_KEPT_MS = 10_000;

/**
 * What a worker counts of its own work, in the text form of Prometheus. Counters are of this process: a successor begins at 0, as Prometheus expects. Gauges of
 * sweeps are asked for when they are read, at most every ten seconds.
 */
export class WorkerMetrics {
  private readonly registry = new Registry();
  private readonly jobs = new Map<string, WatchedJob>();
  private readonly sources: MetricSources;
  private readonly now: () => number;
  private census: { readonly takenAt: number; readonly taken: Promise<readonly SweepCensus[]> } | undefined;
  private readonly attempts = this.counter('lethe_attempts_ended_total', 'Attempts that ended, by what followed', [
    'next',
  ]);
  private readonly failures = this.counter('lethe_failures_total', 'Attempts that failed, by class', ['class']);
  private readonly stepsLost = this.counter(
    'lethe_steps_lost_total',
    'Training steps done again: reached, and not in a checkpoint',
    [],
  );
  private readonly apiCalls = this.counter('lethe_api_calls_total', 'Requests to the API server', [
    'verb',
    'resource',
    'outcome',
  ]);
  private readonly queueWait = new Histogram({
    name: 'lethe_queue_wait_seconds',
    help: 'From the launch of a job to its first sign of running',
    buckets: QUEUE_WAIT_BUCKETS,
    registers: [this.registry],
  });

  constructor(sources: MetricSources, now: () => number = () => performance.now()) {
    this.sources = sources;
    this.now = now;
    collectDefaultMetrics({ register: this.registry });
    this.gauge('lethe_jobs', 'Jobs that this worker watches, by state', ['state'], (gauge) => {
      for (const { state } of this.jobs.values()) gauge.inc({ state });
    });
    this.gauge('lethe_last_look_age_seconds', 'Age of the oldest last look at a watched job', [], (gauge) => {
      const ages = [...this.jobs.values()].map(({ lookedAt }) => this.now() - lookedAt);
      gauge.set(Math.max(0, ...ages) / 1_000);
    });
    this.gauge('lethe_store_free_bytes', 'Free on the volume of the store', [], async (gauge) => {
      const free = await this.sources.freeBytes().catch(() => undefined);
      if (free !== undefined) gauge.set(free);
    });
    this.gauge('lethe_stages', 'Stages of a sweep, by state', ['sweep', 'state'], async (gauge) => {
      for (const { sweep, stages } of await this.sweeps()) setAll(gauge, sweep, stages);
    });
    this.gauge('lethe_runs', 'Runs of a sweep, by state', ['sweep', 'state'], async (gauge) => {
      for (const { sweep, runs } of await this.sweeps()) setAll(gauge, sweep, runs);
    });
  }

  /** A job is about to be asked for. */
  launches(key: string, attempt: number): void {
    const now = this.now();
    this.jobs.set(key, { attempt, state: 'preparing', lookedAt: now, launchedAt: now });
  }

  /** A watcher has looked at the job of a stage, or could not (`unreachable`). */
  seen(key: string, { attempt, state }: { readonly attempt: number; readonly state: string }): void {
    const known = this.jobs.get(key);
    const job: WatchedJob =
      known?.attempt === attempt ? known : { attempt, state, lookedAt: this.now(), launchedAt: undefined };
    if (state === 'running' && job.launchedAt !== undefined) {
      this.queueWait.observe((this.now() - job.launchedAt) / 1_000);
      job.launchedAt = undefined;
    }
    if (state !== 'unreachable') job.lookedAt = this.now();
    job.state = state;
    this.jobs.set(key, job);
  }

  /** The attempt is over; without an ending its watcher only let go of it. */
  over(key: string, ending?: AttemptEnding): void {
    this.jobs.delete(key);
    if (ending === undefined) return;
    this.attempts.inc({ next: ending.next });
    if (ending.next === 'done' || ending.class === undefined) return;
    this.failures.inc({ class: ending.class });
    this.stepsLost.inc(Math.max(0, (ending.reachedStep ?? 0) - (ending.checkpointStep ?? 0)));
  }

  /** `outcome`: the status of the answer, or `unreachable`. */
  apiCall(verb: string, resource: string, outcome: string): void {
    this.apiCalls.inc({ verb, resource, outcome });
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  private counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private gauge<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    collect: (gauge: Gauge<L>) => void | Promise<void>,
  ): void {
    const gauge: Gauge<L> = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect: () => {
        gauge.reset();
        return collect(gauge);
      },
    });
  }

  /** Where nothing can be asked now, the sweeps are missing from the answer, never shown as empty. */
  private sweeps(): Promise<readonly SweepCensus[]> {
    const now = this.now();
    if (this.census === undefined || now - this.census.takenAt > CENSUS_KEPT_MS)
      this.census = { takenAt: now, taken: this.sources.census().catch(() => []) };
    return this.census.taken;
  }
}

function setAll(gauge: Gauge<'sweep' | 'state'>, sweep: string, counts: Readonly<Record<string, number>>): void {
  for (const [state, count] of Object.entries(counts)) gauge.set({ sweep, state }, count);
}
