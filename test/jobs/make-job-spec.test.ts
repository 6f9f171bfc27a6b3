import { describe, expect, it } from 'vitest';
import { type JobRequest, makeJobSpec } from '../../src/jobs/make-job-spec.ts';

const REQUEST: JobRequest = {
  storeId: '0123456789abcdef0123456789abcdef',
  key: 'fedcba9876543210'.repeat(4),
  attempt: 3,
  stageFolder: '/store/stages/key',
  trainer: ['/opt/lethe-trainer'],
  flags: { microBatch: 16, accumulate: 4, recompute: false },
  resources: { cores: 2, memoryBytes: 2 ** 30, gpus: 0 },
};

describe('the job of an attempt', () => {
  it('is named after store, key and attempt, within the limits of every platform', () => {
    const { name } = makeJobSpec(REQUEST);
    expect(name).toBe('lethe-012345-fedcba987654-a3');
    expect(name).toMatch(/^[a-z0-9-]{1,63}$/);
  });

  it('runs the trainer on its stage with the flags of the ladder and a thread for each core', () => {
    expect(makeJobSpec(REQUEST)).toEqual({
      format: 'lethe-job/1',
      name: 'lethe-012345-fedcba987654-a3',
      storeId: REQUEST.storeId,
      key: REQUEST.key,
      attempt: 3,
      command: [
        '/opt/lethe-trainer',
        ...[
          '--stage',
          '/store/stages/key',
          '--attempt',
          '3',
          '--micro-batch',
          '16',
          '--accumulate',
          '4',
          '--threads',
          '2',
        ],
      ],
      environment: {},
      attemptFolder: '/store/stages/key/attempts/3',
      resources: REQUEST.resources,
      annotations: {},
    });
  });

  it('says recompute and the checkpoint interval only when asked to', () => {
    const flags = { ...REQUEST.flags, recompute: true };
    const { command } = makeJobSpec({ ...REQUEST, flags, checkpointEvery: 50 });
    expect(command).toContain('--recompute');
    expect(command.slice(-2)).toEqual(['--checkpoint-every', '50']);
  });

  it('has at least one thread on a share of a core', () => {
    const resources = { ...REQUEST.resources, cores: 0.5 };
    expect(makeJobSpec({ ...REQUEST, resources }).command.slice(-2)).toEqual(['--threads', '1']);
  });
});
