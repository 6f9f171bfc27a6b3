import { spawnSync } from 'node:child_process';
import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { thisMachine } from '../../src/jobs/local/machine.ts';
import { awaitSweep, startSweep } from '../../src/temporal/sweep-client.ts';
import { memoryCage } from './memory-cage.ts';
import { TrainerWorld } from './trainer-world.ts';
import { eventually } from './world.ts';

let world: TrainerWorld;
let cleanUp: () => void;
afterEach(() => world.end(cleanUp));

async function setup(prepare?: (storePath: string) => void): Promise<void> {
  cleanUp = () => {};
  world = await TrainerWorld.create(prepare);
}

describe('a trainer', { timeout: 120_000 }, () => {
  it('that the kernel kills for memory is told from a crash, climbs the memory ladder and ends', async () => {
    await setup();
    // Its weights and their moments alone take 20 MB.
    const { sweep, finetune } = await world.freeze(120, 'gpt2-d192');
    const cage = memoryCage(16 << 20);
    console.log(cage === undefined ? 'no control groups here: the counter of kills is told' : 'in a control group');
    let kills = 0;
    if (cage !== undefined) {
      cleanUp = () => cage.remove();
      await world.work({ wrap: cage.wrap });
    } else {
      await world.work({ machine: { ...thisMachine(), oomKills: () => kills } });
    }
    await startSweep(world.lethe, sweep);
    if (cage === undefined) {
      const pid = await world.training(finetune);
      kills = Number.MAX_SAFE_INTEGER;
      process.kill(pid, 'SIGKILL');
    }
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed' });
    expect(await world.evidence(finetune)).toMatchObject([
      { outcome: 'failed', failure: 'out-of-memory', rule: 'killed by the kernel for memory' },
      { outcome: 'succeeded' },
    ]);
    const stage = world.store.stage(finetune.key);
    expect((await stage.attempt(2).job())?.command.join(' ')).toContain('--micro-batch 4 --accumulate 2');
    expect((await stage.result())?.microBatchChanged).toBe(true);
  });

  it('that stands still is stuck: it is woken to write its checkpoint, and launched again from there', async () => {
    await setup();
    const { sweep, finetune } = await world.freeze(20_000);
    await world.work({ stallMs: 2_000 });
    await startSweep(world.lethe, sweep);
    process.kill(await world.training(finetune), 'SIGSTOP');
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed' });
    const evidence = await world.evidence(finetune);
    expect(evidence).toMatchObject([
      { outcome: 'failed', failure: 'stuck', rule: 'stop.json by stall limit, charged' },
      { outcome: 'succeeded' },
    ]);
    expect(evidence[0]?.sentence).toMatch(/^no step for \d+ s, the limit is 2 s$/);
    expect(evidence[0]?.checkpointStep).toBeGreaterThan(0);
    const stage = world.store.stage(finetune.key);
    expect(await stage.attempt(1).outcome()).toMatchObject({ code: 75 });
    expect((await stage.result())?.lineage).toHaveLength(1);
  });

  it('that finds the disk full is charged to I/O, and goes on by itself when there is room', async () => {
    const disk = 32 << 20;
    let isMounted = false;
    await setup((path) => {
      isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${disk}`, 'tmpfs', path]).status === 0;
    });
    cleanUp = () => void (isMounted && spawnSync('umount', [world.store.path]));
    console.log(isMounted ? 'a disk of its own' : 'no mount here: its folder of checkpoints is taken away');
    const { sweep, finetune } = await world.freeze(20_000);
    await world.work();
    await startSweep(world.lethe, sweep);
    await world.training(finetune);
    const attempt = world.store.stage(finetune.key).attempt(1);
    const ballast = join(world.store.path, 'ballast');
    if (isMounted) fill(ballast);
    else await takeCheckpointsAway();
    const outcome = await eventually(() => attempt.outcome(), 'the trainer to give up');
    expect(outcome.code).toBe(74);
    rmSync(ballast, { force: true });
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed' });
    const evidence = await world.evidence(finetune);
    expect(evidence).toMatchObject([{ outcome: 'failed', failure: 'io' }, { outcome: 'succeeded' }]);
    if (isMounted) expect(evidence[0]?.sentence).toMatch(/No space left on device/);
    expect((await world.store.stage(finetune.key).result())?.lineage.length).toBeGreaterThan(isMounted ? 0 : -1);

    async function takeCheckpointsAway(): Promise<void> {
      const [writer] = await attempt.writers();
      if (writer === undefined) throw new Error('expected a writer');
      renameSync(join(writer.path, 'checkpoints'), join(writer.path, 'taken'));
      writeFileSync(join(writer.path, 'checkpoints'), '');
    }
  });
});

/** Writes until there is no room for another byte. */
function fill(file: string): void {
  for (let bytes = 1 << 20; bytes >= 1; bytes = Math.floor(bytes / 4)) {
    const piece = Buffer.alloc(bytes);
    try {
      for (;;) appendFileSync(file, piece);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
