import { appendFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FakeTrainer } from '../../src/jobs/fake/fake-trainer.ts';
import { FakeApiServer } from '../../test/jobs/kubernetes/support/fake-api-server.ts';

/** What the process of the simulated cluster says; it is asked by its parent's messages. */
export type ClusterReport =
  | { readonly kind: 'up'; readonly server: string }
  | {
      readonly kind: 'counts';
      readonly running: number;
      readonly finished: number;
      /** Jobs that were made, by name: twice the same name would be a second Job. */
      readonly made: readonly string[];
      /** Requests by right, watches counted at their opening. */
      readonly calls: Readonly<Record<string, number>>;
      /** When each job's end was told, in milliseconds of the clock, by its attempt's folder. */
      readonly ends: Readonly<Record<string, number>>;
    };

export type ClusterOrder =
  | { readonly kind: 'count' }
  /** From now on jobs end, spread over so many seconds. */
  | { readonly kind: 'finish'; readonly withinSeconds: number }
  /** Until told otherwise every connection breaks. */
  | { readonly kind: 'outage'; readonly on: boolean }
  /** From now on no watch is granted, and those that run break. */
  | { readonly kind: 'no-watches' };

interface SimulatedJob {
  readonly pod: string;
  /** Its folder. */
  readonly writer: string;
  readonly trainer: FakeTrainer;
  step: number;
  finished: boolean;
}

/** A container takes so long to come up, at most. */
const START_MS = 2_000;
const PROGRESS_MS = 10_000;

/** An API server whose Jobs get a pod and a writer's files as a trainer leaves them, without any training: thousands of them on one core. */
class SimulatedCluster {
  private readonly server: FakeApiServer;
  private readonly jobs = new Map<string, SimulatedJob>();
  private readonly made: string[] = [];
  private readonly ends: Record<string, number> = {};
  private finishWithinMs: number | undefined;

  constructor(server: FakeApiServer) {
    this.server = server;
    server.onCreated = (kind, name) => {
      if (kind === 'jobs') void this.life(name);
    };
    setInterval(() => void this.progress(), PROGRESS_MS);
  }

  report(): ClusterReport {
    const jobs = [...this.jobs.values()];
    const finished = jobs.filter((job) => job.finished).length;
    const calls: Record<string, number> = {};
    for (const { method, path, watch } of this.server.asked) {
      const resource = /namespaces\/[^/]+\/(\w+)(\/.+)?$/.exec(path);
      const verb = watch ? 'watch' : method === 'GET' && resource?.[2] === undefined ? 'list' : method.toLowerCase();
      const name = `${verb} ${resource?.[1]}`;
      calls[name] = (calls[name] ?? 0) + 1;
    }
    return { kind: 'counts', running: jobs.length - finished, finished, made: this.made, calls, ends: this.ends };
  }

  finish(withinMs: number): void {
    this.finishWithinMs = withinMs;
    for (const name of this.jobs.keys()) this.finishLater(name);
  }

  outage(on: boolean): void {
    this.server.fault = on ? () => ({ kind: 'reset' }) : () => undefined;
    if (on) this.server.breakWatches();
  }

  refuseWatches(): void {
    this.server.fault = ({ watch }) => (watch ? { kind: 'reset' } : undefined);
    this.server.breakWatches();
  }

  private async life(name: string): Promise<void> {
    this.made.push(name);
    await pause(Math.random() * START_MS);
    if (!this.server.has('jobs', name)) return;
    const { metadata, spec } = this.server.find('jobs', name) as unknown as {
      metadata: { annotations: Record<string, string> };
      spec: { template: { metadata: { labels: object; annotations: object } } };
    };
    const pod = `${name}-x1`;
    const labels = { ...spec.template.metadata.labels, 'batch.kubernetes.io/job-name': name };
    this.server.put('pods', {
      metadata: { ...spec.template.metadata, name: pod, labels },
      spec: { nodeName: 'n1' },
      status: { phase: 'Pending' },
    });
    const attemptFolder = metadata.annotations['lethe.dev/attempt-folder'] ?? '';
    const writer = `uid-${name}`;
    const trainer = new FakeTrainer(attemptFolder, writer);
    const job = { pod, writer: join(attemptFolder, writer), trainer, step: 0, finished: false };
    await trainer.begin();
    this.server.patch('jobs', name, { status: { active: 1 } });
    this.server.patch('pods', pod, {
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ state: { running: { startedAt: new Date().toISOString() } } }],
      },
    });
    this.jobs.set(name, job);
    if (this.finishWithinMs !== undefined) this.finishLater(name);
  }

  private async progress(): Promise<void> {
    for (const job of this.jobs.values()) {
      if (job.finished) continue;
      job.step += 10;
      const line = { step: job.step, steps: 100_000, loss: 1, learningRate: 0.001, gradientNorm: 1 };
      const more = { tokensPerSecond: 1_000, residentBytes: 1, time: Date.now() / 1_000 };
      await appendFile(join(job.writer, 'progress.jsonl'), `${JSON.stringify({ ...line, ...more })}\n`);
    }
  }

  private finishLater(name: string): void {
    setTimeout(() => void this.end(name), Math.random() * (this.finishWithinMs ?? 0));
  }

  private async end(name: string): Promise<void> {
    const job = this.jobs.get(name);
    if (job === undefined || job.finished) return;
    job.finished = true;
    await job.trainer.end(await job.trainer.finish());
    this.ends[dirname(job.writer)] = Date.now();
    this.server.patch('pods', job.pod, {
      status: {
        phase: 'Succeeded',
        containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
      },
    });
    this.server.patch('jobs', name, {
      status: { active: 0, conditions: [{ type: 'Complete', status: 'True', reason: 'CompletionsReached' }] },
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function tell(report: ClusterReport): void {
  process.send?.(report);
}

const api = await FakeApiServer.start();
const cluster = new SimulatedCluster(api);
process.on('message', (order: ClusterOrder) => {
  if (order.kind === 'count') tell(cluster.report());
  else if (order.kind === 'finish') cluster.finish(order.withinSeconds * 1_000);
  else if (order.kind === 'outage') cluster.outage(order.on);
  else cluster.refuseWatches();
});
process.on('disconnect', () => process.exit(0));
tell({ kind: 'up', server: api.connection.server });
