import { describe, expect, it } from 'vitest';
import { admit, type Claim } from '../../src/jobs/local/admission.ts';

const MACHINE = { cores: 4, memoryBytes: 8 * 2 ** 30, gpus: 1 };

function claim(name: string, cores: number, gibibytes: number, more: Partial<Claim> = {}): Claim {
  return { name, cores, memoryBytes: gibibytes * 2 ** 30, gpus: 0, slots: undefined, ...more };
}

describe('admission of local jobs', () => {
  it('admits what fits, in order', () => {
    const { admitted, waiting } = admit(
      [claim('a', 1, 1)],
      [claim('b', 2, 1), claim('c', 1, 1), claim('d', 1, 1)],
      MACHINE,
    );
    expect(admitted).toEqual(['b', 'c']);
    expect(waiting).toEqual(new Map([['d', 'waits for 1 of 4 cores, 4 are taken']]));
  });

  it('lets nobody pass a job that does not fit yet, so that it does not starve', () => {
    const { admitted, waiting } = admit([claim('a', 2, 1)], [claim('large', 4, 1), claim('small', 1, 1)], MACHINE);
    expect(admitted).toEqual([]);
    expect([...waiting.values()]).toEqual(['waits for 4 of 4 cores, 2 are taken', 'large is before it']);
  });

  it.each([
    ['memory', claim('b', 1, 6), 'waits for 6144 of 8192 MiB, 3072 are taken'],
    ['GPUs', claim('b', 1, 1, { gpus: 1 }), 'waits for 1 of 1 GPUs, 1 are taken'],
  ])('counts %s as well as cores', (_, next, reason) => {
    expect(admit([claim('a', 1, 3, { gpus: 1 })], [next], MACHINE).waiting.get('b')).toBe(reason);
  });

  it('runs a job that is larger than the machine alone', () => {
    const large = claim('large', 64, 100);
    expect(admit([], [large, claim('b', 1, 1)], MACHINE).admitted).toEqual(['large']);
    expect(admit([claim('a', 1, 1)], [large], MACHINE).admitted).toEqual([]);
  });

  it('counts jobs alone when the worker has slots', () => {
    const queue = ['b', 'c', 'd'].map((name) => claim(name, 4, 8, { slots: 3 }));
    const { admitted, waiting } = admit([claim('a', 4, 8)], queue, MACHINE);
    expect(admitted).toEqual(['b', 'c']);
    expect(waiting.get('d')).toBe('all 3 slots are taken');
  });
});
