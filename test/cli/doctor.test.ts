import { describe, expect, it } from 'vitest';
import { judgeDisk } from '../../src/cli/doctor/examinations.ts';

const GB = 1e9;
/** A disk with plenty of everything, but for `changes`. */
function setup(changes: Partial<Parameters<typeof judgeDisk>[0]>) {
  return judgeDisk({ free: 200 * GB, size: 1000 * GB, filesFree: 900_000, files: 1_000_000, ...changes });
}

describe('doctor looks at the disk', () => {
  it('is content with plenty', () =>
    expect(setup({})).toEqual({ what: 'disk', level: 'good', found: '200 GB of 1.0 TB free' }));

  it.each([
    ['little is left', { free: 1.9 * GB }],
    ['a small share is left', { free: 29 * GB }],
    ['hardly a file more fits', { filesFree: 9_999 }],
  ])('wants a hand when %s', (_, changes) => {
    expect(setup(changes)).toMatchObject({ level: 'bad', fix: expect.stringContaining('lethe store gc') });
  });

  it('takes no count of files for no limit', () => expect(setup({ filesFree: 0, files: 0 }).level).toBe('good'));
});
