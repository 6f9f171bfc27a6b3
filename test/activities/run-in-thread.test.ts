import { threadId } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { runInThread } from '../../src/activities/thread/run-in-thread.ts';

const echo = new URL('./threads/echo.ts', import.meta.url);
const ask = (say: string, signal?: AbortSignal) => runInThread<{ said: string; thread: number }>(echo, { say }, signal);

describe('work in a thread', () => {
  it('runs in another thread, which the next call finds still there', async () => {
    const [first, second] = await Promise.all([ask('a'), ask('b')]);
    expect([first.said, second.said]).toEqual(['a', 'b']);
    expect(first.thread).not.toBe(threadId);
    expect((await ask('c')).thread).toBe(first.thread);
  });

  it('fails with the name, message and place of the error that was thrown there', async () => {
    const error = await ask('fail').then(
      () => new Error('it answered'),
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ name: 'RangeError', message: 'expected less, got more' });
    expect(error.stack).toContain('echo.ts');
  });

  it('ends at once when its signal fires', async () => {
    const abort = new AbortController();
    const hanging = ask('hang', abort.signal);
    setTimeout(() => abort.abort(new Error('enough')), 100);
    await expect(hanging).rejects.toThrow('enough');
    await expect(ask('a', abort.signal)).rejects.toThrow('enough');
  });

  it('fails when its thread dies, and the next call has a new one', async () => {
    await expect(ask('die')).rejects.toThrow('exited with code 3');
    expect((await ask('a')).said).toBe('a');
  });
});
