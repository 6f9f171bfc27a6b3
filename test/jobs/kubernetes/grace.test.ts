import { describe, expect, it } from 'vitest';
import { graceFor } from '../../../src/jobs/kubernetes/grace.ts';

describe('the grace of a job', () => {
  it('is two minutes for what is written at once', () => {
    expect(graceFor()).toBe(120);
    expect(graceFor({ bytes: 1.6e9 })).toBe(120);
  });

  it('grows with the checkpoint, until one of the stage told how long it takes', () => {
    expect(graceFor({ bytes: 84e9 })).toBe(900);
    expect(graceFor({ bytes: 84e9, seconds: 30 })).toBe(900);
    expect(graceFor({ bytes: 84e9, seconds: 700 })).toBe(1_460);
  });
});
