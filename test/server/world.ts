import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { inject } from 'vitest';
import type { FinishingActivities } from '../../src/activities/finishing-activities.ts';
import type { JobSpec } from '../../src/artifacts/job-spec.ts';
import { Store } from '../../src/artifacts/store.ts';
import { SweepFolder } from '../../src/artifacts/sweep-folder.ts';
import type { Plan, PlanStage } from '../../src/experiment/plan.ts';
import type { Execution } from '../../src/experiment/sweep.ts';
import { DEFAULT_SCHEDULE, type ScaleSweepInput, type SweepSchedule } from '../../src/experiment/sweep-control.ts';
import { stageWorkflowId, sweepWorkflowId } from '../../src/experiment/workflow-ids.ts';
import { type FakeBehaviour, succeeds } from '../../src/jobs/fake/fake-behaviour.ts';
import { FakeLauncher } from '../../src/jobs/fake/fake-launcher.ts';
import { FakePlatform } from '../../src/jobs/fake/fake-platform.ts';
import { connect, type Lethe } from '../../src/temporal/connection.ts';
import { sweepStartOptions } from '../../src/temporal/start-options.ts';
import type { SweepReference } from '../../src/temporal/sweep-client.ts';
import { createLetheWorker, type LetheWorkerOptions } from '../../src/worker.ts';
import { freezeTinySweep, type TinySweep } from '../support/tiny-sweep.ts';
import { NAMESPACE } from './namespace.ts';

/** Workflows that fail on purpose are no news here. */
Runtime.install({ logger: new DefaultLogger('ERROR') });

const project = fileURLToPath(new URL('../..', import.meta.url));

/** The world of one test: a store of its own, and with it a task queue and workflow ids of its own, on the server that all tests share. */
export class World {
  readonly store: Store;
  readonly lethe: Lethe;
  readonly platform: FakePlatform;
  /** What a job does, by the label of its stage and its attempt; succeeds at once when nothing is said. */
  readonly behaviours = new Map<string, (attempt: number) => FakeBehaviour>();
  readonly #stop: (() => Promise<void>)[] = [];

  private constructor(store: Store, lethe: Lethe) {
    this.store = store;
    this.lethe = lethe;
    this.platform = new FakePlatform((spec) => this.#behave(spec));
  }

  static async create(address = inject('temporalAddress')): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'lethe-store-'));
    const server = { address, namespace: NAMESPACE };
    const store = await Store.create(folder, server);
    return new World(store, await connect(server));
  }

  /** Freezes a tiny sweep into this world's store. */
  async freeze(asked: TinySweep = {}): Promise<{ readonly sweep: SweepReference; readonly plan: Plan }> {
    const { plan, planHash, sweepId } = await freezeTinySweep(this.store, asked);
    return { sweep: { storeId: this.store.id, sweepId, planHash }, plan };
  }

  /** A worker on the fake platform; several may run at once. Returns how it is stopped. */
  async work(options: Pick<LetheWorkerOptions, 'cached' | 'workflows'> = {}): Promise<() => Promise<void>> {
    const worker = await createLetheWorker({
      storePath: this.store.path,
      address: this.lethe.address,
      namespace: NAMESPACE,
      launcher: new FakeLauncher(this.platform),
      trainer: ['fake-trainer'],
      finishing: fakeFinishing(this.store),
      watchMs: 200,
      stopGraceMs: 2_000,
      ...options,
    });
    const running = worker.run();
    const stop = async () => {
      worker.shutdown();
      await running;
    };
    this.#stop.push(stop);
    return stop;
  }

  async end(): Promise<void> {
    for (const stop of this.#stop) await stop();
    await this.lethe.close();
    await rm(this.store.path, { recursive: true, force: true });
  }

  stageId(stage: PlanStage): string {
    return stageWorkflowId(this.store.id, stage);
  }

  sweepId(sweep: SweepReference): string {
    return sweepWorkflowId(this.store.id, sweep.sweepId);
  }

  /** Types of the events of a workflow's newest execution. */
  async events(workflowId: string): Promise<string[]> {
    const { events } = await this.lethe.client.workflow.getHandle(workflowId).fetchHistory();
    return (events ?? []).map((event) => String(event.eventType));
  }

  /** The whole newest history as the JSON that the UI shows, payloads decoded. */
  async historyText(workflowId: string): Promise<string> {
    const history = await this.lethe.client.workflow.getHandle(workflowId).fetchHistory();
    return historyToJSON(history).replaceAll(/"data": ?"([A-Za-z0-9+/=]*)"/g, (_, data: string) => atob(data));
  }

  /**
   * Keeps a workflow's newest history for test/replay, when LETHE_RECORD_HISTORIES is set: done by hand once a release, never to make a red replay green.
   * Paths of this machine in stack traces are taken out.
   */
  async record(name: string, workflowId: string): Promise<void> {
    if (process.env.LETHE_RECORD_HISTORIES === undefined) return;
    const history = await this.lethe.client.workflow.getHandle(workflowId).fetchHistory();
    const text = historyToJSON(history)
      .replaceAll(project, '/lethe/')
      .replaceAll(/"identity": "[^"]*"/g, '"identity": "recorded"');
    await writeFile(join(project, 'test', 'replay', 'histories', `${name}.json`), `${text}\n`);
  }

  async failureOf(workflowId: string): Promise<ApplicationFailure> {
    try {
      await this.lethe.client.workflow.getHandle(workflowId).result();
    } catch (error) {
      if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure) return error.cause;
      throw error;
    }
    throw new Error(`expected ${workflowId} to have failed`);
  }

  /** Executions of a type in this store that carry the attribute value. */
  async count(attribute: string, value: string, type: string): Promise<number> {
    const query = `${attribute} = "${value}" AND WorkflowType = "${type}" AND WorkflowId STARTS_WITH "${this.store.shortId}/"`;
    return (await this.lethe.client.workflow.count(query)).count;
  }

  async examples(digest: string): Promise<readonly { readonly prompt: string; readonly response: string }[]> {
    const text = await readFile(join(this.store.dataPath(digest), 'examples.jsonl'), 'utf8');
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  }

  /** Waits until the job of the attempt runs. */
  async runningAttempt(stage: PlanStage, attempt: number): Promise<void> {
    const folder = this.store.stage(stage.key).attempt(attempt);
    await eventually(async () => (await folder.writers()).length > 0, `attempt ${attempt} of ${stage.label} to run`);
  }

  /** How the sweep is carried out, as its file would say. */
  async execute(sweep: SweepReference, execution: Partial<Execution>): Promise<void> {
    await new SweepFolder(this.store, sweep.sweepId).saveExecution({ retries: {}, resources: {}, ...execution });
  }

  /** Starts a sweep with an input that no command makes. */
  async startAsIs(
    sweep: SweepReference,
    input: Pick<ScaleSweepInput, 'continueAfterEvents'> & { schedule: Partial<SweepSchedule> },
  ) {
    const { storeId, sweepId, planHash } = sweep;
    const schedule = { ...DEFAULT_SCHEDULE, ...input.schedule };
    await this.lethe.client.workflow.start(
      'scaleSweep',
      sweepStartOptions(sweep, { storeId, sweepId, planHash, ...input, schedule }),
    );
  }

  /** How often the program of a stage's attempt was started, over all attempts. */
  starts(stage: PlanStage): number {
    let starts = 0;
    for (let attempt = 1; attempt <= 20; attempt += 1) {
      starts += this.platform.starts(`lethe-${this.store.shortId}-${stage.key.slice(0, 12)}-a${attempt}`);
    }
    return starts;
  }

  #behave(spec: JobSpec): FakeBehaviour {
    return this.behaviours.get(spec.annotations.stage ?? '')?.(spec.attempt) ?? succeeds();
  }
}

/** Counts what is whole; the real analysis has tests of its own and takes seconds. */
function fakeFinishing(store: Store): FinishingActivities {
  return {
    gatherForgetting: async ({ sweepId }) => {
      const { plan } = await new SweepFolder(store, sweepId).plan();
      const missingRuns: string[] = [];
      for (const run of plan.runs) {
        for (const number of run.stages) {
          const stage = plan.stages[number];
          if (stage === undefined || (await store.stage(stage.key).result()) !== undefined) continue;
          missingRuns.push(run.id);
          break;
        }
      }
      return { missingRuns, wholeRuns: plan.runs.length - missingRuns.length, tablesDigest: 'fake' };
    },
    analyse: async () => ({ verdict: 'UNLEARNED', statisticsDigest: 'fake' }),
    writeReport: async ({ sweepId }) => ({ report: `sweeps/${sweepId}/report/index.html` }),
  };
}

export const quick: Partial<SweepSchedule> = { parallel: 8 };

/** Waits until `look` gives something. */
export async function eventually<T>(
  look: () => Promise<T | undefined | false>,
  what: string,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`expected ${what} within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
