import { afterEach, describe, expect, it } from 'vitest';
import { toySweepFile } from '../support/toy-sweep-file.ts';
import { jsonLines } from './cli-world.ts';
import { FaultWorld, faultSeed } from './fault-world.ts';
import { Saboteur } from './saboteur.ts';
import { TrainerWatch, trainersOf } from './trainer-watch.ts';

const KILLS = 24;

/** Two scales × two seeds × two arms, a minute of training in hundreds of checkpoints. */
const SWEEP = toySweepFile({
  ...{ name: 'battered', models: 'gpt2-d8, gpt2-d16', arms: 'forgetting, unsafe-review', seeds: '1, 2' },
  ...{ steps: 18_000, anchors: '0, 9000', reviewSteps: 9_000, anchorStep: 500, checkpointEvery: 50 },
});
const STAGES = 12;
const STEPS = 4 * 18000 + 8 * 9000;

const worlds: FaultWorld[] = [];
const watches: TrainerWatch[] = [];
function setup(): { world: FaultWorld; watch: TrainerWatch } {
  const world = new FaultWorld(SWEEP);
  const watch = new TrainerWatch(world.store);
  worlds.push(world);
  watches.push(watch);
  return { world, watch };
}
afterEach(async () => {
  for (const watch of watches.splice(0)) watch.end();
  for (const world of worlds.splice(0)) await world.end();
});

describe('a sweep that is killed at random moments', { timeout: 900_000 }, () => {
  it('ends with the statistics of the undisturbed one, redoes nothing that is finished, and never doubles or leaves a trainer', async () => {
    const { world: whole } = setup();
    const undisturbed = await whole.last('run', whole.file);
    expect(undisturbed).toMatchObject({ status: 'completed', jobsStarted: STAGES });
    await whole.lethe('stop');

    const { random } = faultSeed();
    // A fast machine may end a sweep before all blows fell: then the next one takes the rest.
    let kills = 0;
    let looks = 0;
    let attemptsMore = 0;
    for (let rounds = 0; kills < KILLS && rounds < 6; rounds += 1) {
      const { world, watch } = setup();
      const saboteur = new Saboteur(world, { name: 'battered', steps: STEPS }, random);
      const stdout = await saboteur.strike(KILLS - kills);
      console.log(saboteur.blows.map(({ victim, progress }) => `${victim} ${Math.round(100 * progress)} %`).join(', '));

      expect(saboteur.complaints, saboteur.complaints.join('\n')).toEqual([]);
      kills += saboteur.blows.length;
      expect(jsonLines(stdout).at(-1)).toMatchObject({
        status: 'completed',
        done: STAGES,
        stages: STAGES,
        planHash: undisturbed.planHash,
        statisticsDigest: undisturbed.statisticsDigest,
      });
      expect([...watch.wrong]).toEqual([]);
      looks += watch.looks;
      expect(trainersOf(world.store)).toEqual([]);
      for (const { result, attempts } of world.stages()) {
        const last = attempts.at(-1);
        expect(result?.attempt).toBe(last?.number);
        expect(last?.evidence).toMatchObject({ outcome: 'succeeded' });
        expect(attempts.map(({ number }) => number)).toEqual(attempts.map((_, index) => index + 1));
        for (const { evidence } of attempts.slice(0, -1)) expect(evidence?.outcome).toMatch(/failed|stopped/);
      }
      const struck = saboteur.blows.filter(({ victim }) => victim === 'trainer').length;
      const attempts = world.stages().reduce((sum, stage) => sum + stage.attempts.length, 0);
      expect(attempts).toBeLessThanOrEqual(STAGES + struck);
      attemptsMore += attempts - STAGES;

      // The bits of every stage, not only of what was estimated.
      const bits = (of: FaultWorld) =>
        of
          .stages()
          .map(({ key, result }) => [key, digestsOf(result)])
          .sort();
      expect(bits(world)).toEqual(bits(whole));

      const again = await world.last('run', world.file);
      expect(again).toMatchObject({ status: 'completed', jobsStarted: 0, jobsReused: STAGES });
      expect(world.stages().reduce((sum, stage) => sum + stage.attempts.length, 0)).toBe(attempts);
      await world.lethe('stop');
    }
    expect(kills).toBe(KILLS);
    expect(looks).toBeGreaterThan(100);
    expect(attemptsMore).toBeGreaterThan(0);
  });
});

function digestsOf(result: unknown): readonly string[] {
  const { weights, anchors } = result as { weights: { sha256: string }; anchors: { step: number; sha256: string }[] };
  return [weights.sha256, ...anchors.map(({ step, sha256 }) => `${step} ${sha256}`)];
}
