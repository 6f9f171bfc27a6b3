import { describe, expect, it } from 'vitest';
import { parseOverrides } from '../../src/cli/override-words.ts';

describe('--set', () => {
  it('reads resources, micro-batch and retry budgets', () => {
    expect(
      parseOverrides(['resources.cores=2', 'resources.memory=1.5GiB', 'microBatch=8', 'retries.out-of-memory=5']),
    ).toEqual({
      resources: { cores: 2, memoryBytes: 1_610_612_736 },
      microBatch: 8,
      retries: { 'out-of-memory': 5 },
    });
  });

  it('is nothing when nothing is set', () => expect(parseOverrides([])).toBeUndefined());

  it('refuses a recipe word and says to edit the file', () => {
    expect(() => parseOverrides(['recipe.steps=10'])).toThrow(/Edit the sweep file/);
  });

  it('tells all errors at once, with what was meant', () => {
    const settings = ['resources.coers=2', 'microBatch=0', 'resources.memory=lots', 'queue'];
    expect(() => parseOverrides(settings)).toThrow(
      /did you mean resources\.cores\?.*whole number ≥ 1, got "0".*amount such as 2GB.*expected word=value/s,
    );
  });

  it.each(['microBatch=', 'microBatch= ', 'microBatch=1.5', 'microBatch=-1'])('refuses %s', (setting) => {
    expect(() => parseOverrides([setting])).toThrow(/whole number/);
  });
});
