import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { Store } from '../../src/artifacts/store.ts';
import { SweepFolder } from '../../src/artifacts/sweep-folder.ts';
import { loadSweep } from '../../src/cli/load-sweep.ts';
import { launchBinary } from '../../src/cli/project-folder.ts';
import type { PlanStage } from '../../src/experiment/plan.ts';
import { LocalLauncher } from '../../src/jobs/local/local-launcher.ts';
import type { Machine } from '../../src/jobs/local/machine.ts';
import type { Evidence } from '../../src/recovery/evidence.ts';
import { connect, type Lethe } from '../../src/temporal/connection.ts';
import type { SweepReference } from '../../src/temporal/sweep-client.ts';
import { createLetheWorker } from '../../src/worker.ts';
import { toySweepFile } from '../support/toy-sweep-file.ts';
import { NAMESPACE } from './namespace.ts';
import { trainersOf } from './trainer-watch.ts';
import { eventually } from './world.ts';

export interface WorkOptions {
  /** Comes before `lethe-launch`, as a shell's `exec "$@"` would. */
  readonly wrap?: readonly string[];
  readonly machine?: Machine;
  readonly stallMs?: number;
}

/** A store with the real trainer behind the real local launcher, worked for inside this process, so that limits can be set that no command has. */
export class TrainerWorld {
  readonly folder: string;
  readonly store: Store;
  readonly lethe: Lethe;
  readonly #stop: (() => Promise<void>)[] = [];

  private constructor(folder: string, store: Store, lethe: Lethe) {
    this.folder = folder;
    this.store = store;
    this.lethe = lethe;
  }

  /** `prepare` gets the store's folder before anything is in it. */
  static async create(prepare: (storePath: string) => void = () => {}): Promise<TrainerWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-trainer-'));
    const path = join(folder, 'store');
    mkdirSync(path);
    prepare(path);
    const server = { address: inject('temporalAddress'), namespace: NAMESPACE };
    return new TrainerWorld(folder, await Store.create(path, server), await connect(server));
  }

  /** One model, one seed; a finetune of `steps` steps and a short review. */
  async freeze(
    steps: number,
    model = 'gpt2-d16',
  ): Promise<{ readonly sweep: SweepReference; readonly finetune: PlanStage }> {
    const file = join(this.folder, 'toy.yaml');
    writeFileSync(file, toySweepFile({ models: model, steps, checkpointEvery: 100 }));
    const { plan, planHash, id, sweep } = await loadSweep(file);
    const folder = await SweepFolder.freeze(this.store, plan, planHash);
    await folder.saveExecution(sweep.execution);
    const finetune = plan.stages.find(({ kind }) => kind === 'finetune');
    if (finetune === undefined) throw new Error('expected a finetune in the plan');
    return { sweep: { storeId: this.store.id, sweepId: id, planHash }, finetune };
  }

  async work({ wrap = [], machine, stallMs }: WorkOptions = {}): Promise<void> {
    const launcher = new LocalLauncher({
      launchBinary: [...wrap, launchBinary],
      stateFolder: join(this.folder, 'state'),
      ...(machine && { machine }),
    });
    const worker = await createLetheWorker({
      storePath: this.store.path,
      address: this.lethe.address,
      namespace: NAMESPACE,
      launcher,
      watchMs: 200,
      ...(stallMs === undefined ? {} : { stallMs }),
    });
    const running = worker.run();
    this.#stop.push(async () => {
      worker.shutdown();
      await running;
      launcher.close();
    });
  }

  /** The pid of the stage's trainer, once it has trained for a while. */
  async training(stage: PlanStage): Promise<number> {
    return eventually(async () => {
      const trainer = trainersOf(this.store.path).find(({ key }) => key === stage.key);
      if (trainer === undefined) return undefined;
      const [writer] = await this.store.stage(stage.key).attempt(Number(trainer.attempt)).writers();
      return ((await writer?.newestCheckpoint()) ?? 0) > 0 && trainer.pid;
    }, `a trainer of ${stage.label} with a checkpoint`);
  }

  async evidence(stage: PlanStage): Promise<readonly Evidence[]> {
    return (await this.store.stage(stage.key).history()).evidence;
  }

  async end(cleanUp: () => void = () => {}): Promise<void> {
    for (const stop of this.#stop) await stop();
    await this.lethe.close();
    for (const { pid } of trainersOf(this.store.path)) process.kill(pid, 'SIGKILL');
    await eventually(async () => trainersOf(this.store.path).length === 0, 'the trainers to be gone');
    cleanUp();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
