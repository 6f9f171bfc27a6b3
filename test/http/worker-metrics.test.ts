import { expect, it } from 'vitest';
import { WorkerMetrics } from '../../src/http/worker-metrics.ts';

function setup() {
  const clock = { ms: 0 };
  let asked = 0;
  const counted = { sweep: 'toy~0123456789ab', stages: { done: 2, running: 1 }, runs: { running: 3 } };
  const metrics = new WorkerMetrics(
    {
      census: async () => {
        asked += 1;
        return [counted];
      },
      freeBytes: async () => 4_096,
    },
    () => clock.ms,
  );
  /** The lines of one metric, without its comments. */
  const lines = async (name: string) =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return { clock, metrics, lines, asked: () => asked };
}

it('tells what the volume has free', async () => {
  const { lines } = setup();
  expect(await lines('lethe_store_free_bytes')).toEqual(['lethe_store_free_bytes 4096']);
});

it('counts each watched job once, where it was seen last', async () => {
  const { metrics, lines } = setup();
  metrics.launches('a', 1);
  metrics.seen('a', { attempt: 1, state: 'queued' });
  metrics.seen('a', { attempt: 1, state: 'running' });
  metrics.seen('b', { attempt: 2, state: 'queued' });
  expect(await lines('lethe_jobs')).toEqual(['lethe_jobs{state="running"} 1', 'lethe_jobs{state="queued"} 1']);
  metrics.over('a');
  metrics.over('b');
  expect(await lines('lethe_jobs')).toEqual([]);
});

it('takes the wait in a queue from the launch to the first sign of running, and not for an adopted job', async () => {
  const { clock, metrics, lines } = setup();
  metrics.launches('a', 1);
  clock.ms = 40_000;
  metrics.seen('a', { attempt: 1, state: 'running' });
  metrics.seen('a', { attempt: 1, state: 'running' });
  metrics.seen('adopted', { attempt: 3, state: 'running' });
  expect(await lines('lethe_queue_wait_seconds_count')).toEqual(['lethe_queue_wait_seconds_count 1']);
  expect(await lines('lethe_queue_wait_seconds_sum')).toEqual(['lethe_queue_wait_seconds_sum 40']);
});

it('counts failures by class and the steps that are done again', async () => {
  const { metrics, lines } = setup();
  metrics.over('a', { next: 'relaunch', class: 'preempted', reachedStep: 180, checkpointStep: 100 });
  metrics.over('b', { next: 'park', class: 'data', reachedStep: 0, checkpointStep: 0 });
  metrics.over('c', { next: 'done' });
  expect(await lines('lethe_failures_total')).toEqual([
    'lethe_failures_total{class="preempted"} 1',
    'lethe_failures_total{class="data"} 1',
  ]);
  expect(await lines('lethe_steps_lost_total')).toEqual(['lethe_steps_lost_total 80']);
  expect(await lines('lethe_attempts_ended_total')).toHaveLength(3);
});

it('tells the age of the oldest look; a job that cannot be seen grows old', async () => {
  const { clock, metrics, lines } = setup();
  metrics.seen('a', { attempt: 1, state: 'running' });
  clock.ms = 60_000;
  metrics.seen('a', { attempt: 1, state: 'unreachable' });
  metrics.seen('b', { attempt: 1, state: 'running' });
  expect(await lines('lethe_last_look_age_seconds')).toEqual(['lethe_last_look_age_seconds 60']);
  metrics.seen('a', { attempt: 1, state: 'running' });
  expect(await lines('lethe_last_look_age_seconds')).toEqual(['lethe_last_look_age_seconds 0']);
});

it('asks where the sweeps stand at most every ten seconds', async () => {
  const { clock, lines, asked } = setup();
  expect(await lines('lethe_runs')).toEqual(['lethe_runs{sweep="toy~0123456789ab",state="running"} 3']);
  expect(await lines('lethe_stages')).toHaveLength(2);
  expect(asked()).toBe(1);
  clock.ms = 10_001;
  await lines('lethe_runs');
  expect(asked()).toBe(2);
});
