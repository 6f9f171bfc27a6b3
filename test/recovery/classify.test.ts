import { describe, expect, it } from 'vitest';
import { type AttemptFacts, classify } from '../../src/recovery/classify.ts';

const dead: AttemptFacts = { end: { kind: 'ended' }, platform: { outOfMemory: false, preempted: false }, done: false };
const outcome = (code: number) => ({ outcome: { code, sentence: `the trainer says ${code}` } });
const platform = (facts: Partial<NonNullable<AttemptFacts['platform']>>) => ({
  platform: { outOfMemory: false, preempted: false, ...facts },
});
const stop = (charge: 'none' | 'class') => ({ stop: { by: 'someone', why: 'because', charge } });

describe('the class of an attempt that is over', () => {
  it.each([
    [65, 'data'],
    [66, 'missing-input'],
    [69, 'device'],
    [70, 'crash'],
    [74, 'io'],
    [75, 'preempted'],
    [78, 'config'],
    [80, 'out-of-memory'],
    [81, 'diverged'],
    [1, 'crash'],
    [139, 'crash'],
  ])('takes code %i of outcome.json as %s, and the trainer’s sentence with it', (code, failure) => {
    expect(classify({ ...dead, ...outcome(code) })).toMatchObject({
      outcome: 'failed',
      failure,
      sentence: `the trainer says ${code}`,
    });
  });

  it.each([
    ['a signal', { signal: 'SIGSEGV' }, 'crash'],
    ['a kill for memory', { signal: 'SIGKILL', outOfMemory: true }, 'out-of-memory'],
    ['a kill for memory that nobody could wait for', { outOfMemory: true }, 'out-of-memory'],
    ['a kill of unknown origin', { signal: 'SIGKILL' }, 'crash'],
    ['a restart of the machine', { preempted: true }, 'preempted'],
    ['code 80 that could not be written down', { exitCode: 80 }, 'out-of-memory'],
    ['code 0 without a word', { exitCode: 0 }, 'crash'],
    ['nothing at all', {}, 'crash'],
  ] as const)('takes %s, without outcome.json, for what it is', (_, facts, failure) => {
    expect(classify({ ...dead, ...platform(facts) })).toMatchObject({ outcome: 'failed', failure });
  });

  it.each([
    [{ kind: 'lost', reason: 'its node is gone' } as const, 'preempted'],
    [{ kind: 'name-taken', reason: 'it is another team’s job' } as const, 'config'],
    [{ kind: 'no-data', reason: 'tokens.jsonl has another digest' } as const, 'data'],
    [{ kind: 'never-started', failure: 'image', reason: 'ImagePullBackOff' } as const, 'image'],
    [{ kind: 'never-started', failure: 'unschedulable', reason: 'no node has 8 GPUs' } as const, 'unschedulable'],
  ])('takes %o for %s and keeps its reason', (end, failure) => {
    expect(classify({ end, done: false })).toMatchObject({ outcome: 'failed', failure, sentence: end.reason });
  });

  it('calls code 75 preempted only when nobody of ours asked for it', () => {
    expect(classify({ ...dead, ...outcome(75) })).toMatchObject({ outcome: 'failed', failure: 'preempted' });
    const asked = classify({ ...dead, ...outcome(75), ...stop('none') });
    expect(asked).toEqual({ outcome: 'stopped', rule: 'stop.json by someone', sentence: 'because' });
  });

  it('does not charge our own SIGKILL to memory, even when the kernel’s counter rose', () => {
    const facts = { ...dead, ...platform({ signal: 'SIGKILL', outOfMemory: true }), ...stop('none') };
    expect(classify(facts).outcome).toBe('stopped');
  });

  it('charges a stop by the ledger to the class that it names, stuck otherwise', () => {
    expect(classify({ ...dead, ...outcome(75), ...stop('class') })).toMatchObject({ failure: 'stuck' });
    const named = { stop: { ...stop('class').stop, failure: 'preempted' as const } };
    expect(classify({ ...dead, ...outcome(75), ...named })).toMatchObject({ failure: 'preempted' });
  });

  it('counts a stage that finished while it was being stopped as a success', () => {
    expect(classify({ ...dead, ...outcome(0), ...stop('none') }).outcome).toBe('succeeded');
  });

  it('counts a trainer that found the result of another attempt as a success', () => {
    expect(classify({ ...dead, ...platform({ exitCode: 0 }), done: true }).outcome).toBe('succeeded');
  });

  it('fails an attempt whose files were refused, with the reason', () => {
    expect(classify({ ...dead, ...outcome(0), refused: 'anchor 40 is missing' })).toMatchObject({
      outcome: 'failed',
      failure: 'crash',
      sentence: 'anchor 40 is missing',
    });
  });

  it('believes the trainer’s last word before the kernel’s counter, which any job may have raised', () => {
    expect(classify({ ...dead, ...outcome(81), ...platform({ outOfMemory: true }) })).toMatchObject({
      failure: 'diverged',
    });
  });
});
